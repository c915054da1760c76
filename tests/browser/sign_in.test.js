// Signing in, and where it leads. The rule: it leads to a page of this server or to an origin of the configuration, and after a
// sign-out the browser shows nothing of the account.

import assert from "node:assert/strict";
import { after } from "node:test";
import { launch, openPage } from "./browser.js";
import { openOtherSite } from "./other_site.js";
import {
  PASSWORD,
  complaint,
  fillSignIn,
  follow,
  heading,
  navigate,
  place,
  press,
  register,
  said,
  sessions,
  signOut,
} from "./user.js";
import { openScenario, testCase, testWithAndWithoutScripts } from "./scenario.js";

const app = await openOtherSite({ "/board": "<h1>The application</h1>" });
after(() => app.close());
const rememberer = await launch({ remembersPages: true });
after(() => rememberer.close());
const scenario = await openScenario({ "pages.return_to": JSON.stringify([app.origin]) });

testWithAndWithoutScripts("a wrong password is reported, the email address is kept, and the password is cleared", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const email = await register(page, scenario.server);
  await signOut(page);
  const answer = await fillSignIn(page, email, "not the password");
  assert.equal(answer.status(), 401);
  assert.match(await complaint(page), /\S/);
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.getByLabel("Email address").inputValue(), email);
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "");
  await page.goto(scenario.server.at("/login"));
  const stranger = await fillSignIn(page, "nobody@example.com", "not the password");
  assert.equal(stranger.status(), 401);
});

testWithAndWithoutScripts("a sign-in leads back to the page that asked for it", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const email = await register(page, scenario.server);
  await signOut(page);
  await page.goto(scenario.server.at("/account/sessions?status=ended"));
  assert.equal(place(page), "/login");
  await fillSignIn(page, email, "not the password");
  await fillSignIn(page, email);
  assert.equal(page.url(), scenario.server.at("/account/sessions?status=ended"));
});

testWithAndWithoutScripts(
  "a sign-in leads back to an application that is allowed, also by way of a registration",
  async (t, scripts) => {
    const page = await scenario.openPage(t, { ...scripts, elsewhere: [app.origin] });
    const board = `${app.origin}/board?task=1#top`;
    const login = scenario.server.at(`/login?return_to=${encodeURIComponent(board)}`);
    await page.goto(login);
    await follow(page, "Create an account");
    await page.getByLabel("Email address").fill("way@example.com");
    await page.getByLabel("Password", { exact: true }).fill("too weak");
    await press(page, "Create account");
    const email = `way.${scripts.javaScriptEnabled}@example.com`;
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await press(page, "Create account");
    assert.equal(page.url(), board);
    assert.equal(await heading(page), "The application");
    // A user who is signed in already is redirected at once.
    await page.goto(login);
    assert.equal(page.url(), board);
    await page.goto(scenario.server.at("/account"));
    await signOut(page);
    await page.goto(login);
    await fillSignIn(page, email);
    assert.equal(page.url(), board);
  },
);

testCase("a sign-in leads nowhere else, in no spelling", async (t) => {
  const page = await scenario.openPage(t);
  const elsewhere = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "javascript:alert(1)",
    `${app.origin}@evil.example/`,
    `${app.origin}.evil.example/`,
    `${app.origin}0/`,
    app.origin.replace("127.0.0.1", "localhost"),
    "/openapi.json",
  ];
  for (const wanted of elsewhere) {
    const answer = await page.goto(scenario.server.at(`/login?return_to=${encodeURIComponent(wanted)}`));
    assert.equal(answer.status(), 400, wanted);
    assert.equal(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert.equal(new URL(page.url()).origin, scenario.server.origin);
  }
  await follow(page, "Sign in");
  assert.equal(page.url(), scenario.server.at("/login"));
  // A manipulated form leads nowhere else either.
  const email = await register(page, scenario.server);
  await signOut(page);
  await page.goto(scenario.server.at(`/login?return_to=${encodeURIComponent("/account")}`));
  const evil = "/login?return_to=https%3A%2F%2Fevil.example%2F";
  await page.locator("form[action^='/login']").evaluate((form, action) => form.setAttribute("action", action), evil);
  assert.equal((await fillSignIn(page, email)).status(), 400);
  assert.equal(new URL(page.url()).origin, scenario.server.origin);
});

testWithAndWithoutScripts("the back button shows nothing of an account that was signed out", async (t, scripts) => {
  for (const browser of [scenario.browser, rememberer]) {
    const page = await openPage(browser, t, scenario.server, scripts);
    const email = await register(page, scenario.server, { name: "Ada Lovelace" });
    await follow(page, "Recent activity");
    await follow(page, "Profile");
    await signOut(page);
    assert.equal(await said(page), "You are signed out.");
    for (let back = 1; back <= 3; back += 1) {
      await page.goBack({ waitUntil: "commit" });
      await page.waitForURL(/\/login\?return_to=/);
      const text = await page.content();
      assert.ok(!text.includes(email) && !text.includes("Ada Lovelace"), `${back} back shows the account`);
    }
  }
});

// The site that opened the window could close it before the response arrives, and the browser would lose the rotated tokens.
testWithAndWithoutScripts("a link of another site reaches the page through one that rotates no token", async (t, scripts) => {
  const page = await scenario.openPage(t, { ...scripts, elsewhere: [app.crossSiteOrigin] });
  await register(page, scenario.server);
  const kept = async () => (await page.context().cookies(scenario.server.at("/"))).find(({ name }) => name === "kw_refresh").value;
  const before = await kept();
  await page.context().clearCookies({ name: "kw_access" });
  app.pages["/link"] = `<h1>Elsewhere</h1><a href="${scenario.server.at("/account/sessions")}">Your sessions</a>`;
  await page.goto(`${app.crossSiteOrigin}/link`);
  const answers = [];
  page.on("response", (answer) => answers.push([new URL(answer.url()).pathname, answer.status()]));
  await page.getByRole("link", { name: "Your sessions" }).click();
  await page.getByRole("heading", { name: "Devices and sessions" }).waitFor();
  const visits = answers.filter(([path]) => path === "/account/sessions");
  assert.deepEqual(visits, [["/account/sessions", 200], ["/account/sessions", 200]]);
  assert.notEqual(await kept(), before);
  assert.equal((await sessions(page, scenario.server)).length, 1);
});

testCase("six tabs without an access token all get in, and share one session", async (t) => {
  const page = await scenario.openPage(t);
  await register(page, scenario.server);
  const context = page.context();
  const tabs = [page, ...(await Promise.all([1, 2, 3, 4, 5].map(() => context.newPage())))];
  const places = ["/account", "/account/sessions", "/account/security", "/account/keys", "/account/events", "/account/data"];
  for (let round = 0; round < 3; round += 1) {
    await context.clearCookies({ name: "kw_access" });
    await Promise.all(tabs.map((tab, at) => tab.goto(scenario.server.at(places[at]))));
    assert.deepEqual(tabs.map(place), places);
  }
  assert.equal((await sessions(page, scenario.server)).length, 1);
});

testWithAndWithoutScripts("a link alone signs no user out: its page asks first", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await register(page, scenario.server);
  await page.goto(scenario.server.at("/logout"));
  assert.equal(await heading(page), "Sign out");
  await page.goto(scenario.server.at("/account"));
  assert.equal(place(page), "/account");
  await page.goto(scenario.server.at("/logout"));
  await press(page.getByRole("main"), "Sign out", page);
  assert.equal(await said(page), "You are signed out.");
  await navigate(page, () => page.goto(scenario.server.at("/account")));
  assert.equal(place(page), "/login");
});
