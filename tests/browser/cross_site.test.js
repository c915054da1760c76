// Attacks on a signed-in user: forms and frames of other origins, names that are markup, scripts that look for tokens. The rule: no
// attack changes anything, and no script finds a token.

import assert from "node:assert/strict";
import { after } from "node:test";
import { openOtherSite } from "./other_site.js";
import {
  PASSWORD,
  fill,
  fillSignIn,
  follow,
  heading,
  navigate,
  newAddress,
  place,
  press,
  register,
  signIn,
  signOut,
} from "./user.js";
import { openScenario, testCase, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();
const otherSite = await openOtherSite();
after(() => otherSite.close());

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

// A page with a form that is sent to the server.
function lure(place, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${escaped(value)}">`);
  return `<form method="post" action="${scenario.server.at(place)}">${inputs.join("")}<button>You have won</button></form>`;
}

testWithAndWithoutScripts("a form of another origin does nothing", async (t, scripts) => {
  const sites = [otherSite.origin, otherSite.crossSiteOrigin];
  const [victim, mallory] = [await scenario.openPage(t, { ...scripts, elsewhere: sites }), await scenario.openPage(t, scripts)];
  const email = await register(victim, scenario.server, { name: "Ada" });
  // Mallory has a form token as well, but it belongs to Mallory's own session.
  const hers = await register(mallory, scenario.server);
  const form = await mallory.locator("main input[name=form]").first().inputValue();
  otherSite.pages["/name"] = lure("/account", { form, name: "Mallory's" });
  otherSite.pages["/logout"] = lure("/logout", { form });
  otherSite.pages["/login"] = lure("/login", { form, email: hers, password: PASSWORD });
  otherSite.pages["/delete"] = lure("/account/delete", { form, current_password: PASSWORD, sure: "yes" });
  otherSite.pages["/others"] = lure("/account/sessions/end-others", { form });
  otherSite.pages["/key"] = lure("/account/keys", { form, name: "Mallory's", days: "0" });
  for (const site of sites) {
    for (const page of Object.keys(otherSite.pages)) {
      await victim.goto(site + page);
      const answer = await press(victim, "You have won");
      assert.equal(answer.status(), 403, `${site}${page}`);
      assert.match(answer.headers()["content-type"], /^text\/html/);
      assert.equal(answer.headers()["set-cookie"], undefined, `${site}${page}`);
    }
  }
  await victim.goto(scenario.server.at("/account"));
  await victim.getByRole("banner").getByText(email).waitFor();
  assert.equal(await victim.getByLabel("Name").inputValue(), "Ada");
  await follow(victim, "API keys");
  assert.equal(await victim.getByText("Mallory's").count(), 0);
});

testCase("no page is shown in a frame of another site", async (t) => {
  const page = await scenario.openPage(t, { elsewhere: [otherSite.origin] });
  const email = await register(page, scenario.server);
  otherSite.pages["/frame"] = `<iframe src="${scenario.server.at("/account")}"></iframe>`;
  await page.goto(`${otherSite.origin}/frame`);
  const texts = await Promise.all(page.frames().map((frame) => frame.content()));
  assert.ok(texts.every((text) => !text.includes(email)));
  // Chromium reports that the policy blocked the frame.
  assert.ok(page.faults.splice(0).every((fault) => fault.includes("frame-ancestors")));
});

testWithAndWithoutScripts(
  "a name that is markup is shown as it was typed, to its owner and to administrators",
  async (t, scripts) => {
    const [page, desk] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
    const name = `<img src=x onerror=alert(1)>"'`;
    const script = `</textarea><script>alert(2)</script>`;
    const email = await register(page, scenario.server, { name });
    assert.equal(await page.getByLabel("Name").inputValue(), name);
    await follow(page, "API keys");
    await fill(page, "Name", script);
    await press(page, "Create key");
    await page.getByText(script, { exact: true }).waitFor();

    const boss = newAddress("boss");
    await scenario.server.operate(["user", "create", boss, "--role", "admin", "--password-stdin"], `${PASSWORD}\n`);
    await signIn(desk, scenario.server, boss);
    await desk.goto(scenario.server.at("/admin/users"));
    await desk.getByText(name).first().waitFor();
    await fill(desk, "Search", `"><script>alert(3)</script>`);
    await press(desk, "Apply filters");
    assert.equal(await desk.getByLabel("Search").inputValue(), `"><script>alert(3)</script>`);
    await desk.goto(scenario.server.at(`/admin/users?query=${email}`));
    await follow(desk, email);
    assert.equal(await desk.locator("#name").inputValue(), name);
    await desk.getByText(script, { exact: true }).waitFor();
    await follow(desk, "Audit log");
    for (const one of [page, desk]) assert.equal(await one.locator("main img, main script").count(), 0);
  },
);

testCase("scripts find no token: not in cookies, not in storage, not in the page", async (t) => {
  const page = await scenario.openPage(t);
  const email = await register(page, scenario.server);
  await signOut(page);
  await fillSignIn(page, email);
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["kw_access", "kw_device", "kw_refresh", "kw_visitor"]);
  for (const cookie of cookies) {
    assert.ok(cookie.httpOnly, cookie.name);
    assert.equal(cookie.sameSite, "Lax", cookie.name);
    assert.equal(cookie.path, "/", cookie.name);
    assert.equal(cookie.domain, "127.0.0.1", cookie.name);
  }
  for (const where of [
    "/account",
    "/account/sessions",
    "/account/security",
    "/account/keys",
    "/account/events",
    "/account/data",
  ]) {
    await page.goto(scenario.server.at(where));
    const found = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
    assert.deepEqual(found, ["", 0, 0], where);
    const text = await page.content();
    assert.ok(
      cookies.every((cookie) => !text.includes(cookie.value)),
      where,
    );
  }
  await signOut(page);
  const left = await page.context().cookies();
  assert.deepEqual(left.map((cookie) => cookie.name).sort(), ["kw_device", "kw_visitor"]);
});

testCase("the content security policy blocks inline scripts, inline styles and foreign images", async (t) => {
  const page = await scenario.openPage(t);
  const answer = await page.goto(scenario.server.at("/login"));
  const policy = answer.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|data:/);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", '<img src="https://evil.example/x.png"><p style="color:red">styled</p>');
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  // The console reported each violation, so these tests would notice one.
  await page.waitForFunction(() => document.querySelector("p[style]"));
  const reported = page.faults.splice(0).join("\n");
  for (const directive of ["script-src", "img-src", "style-src"]) assert.match(reported, new RegExp(directive));
});

testCase("a URL that holds a token is sent to no other request as a referrer, and its page still works", async (t) => {
  for (const where of ["/reset?token=secret", "/verify-email?token=secret", "/not-me?token=secret"]) {
    // A new browser for each, because one that has the style sheet cached requests nothing.
    const page = await scenario.openPage(t);
    const asked = page.waitForRequest((request) => request.url().includes("/assets/"));
    let answer = await page.goto(scenario.server.at(where));
    assert.equal((await (await asked).allHeaders()).referer, undefined, where);
    if (where.startsWith("/reset")) await fill(page, "New password", PASSWORD);
    // How an address is confirmed depends on the account, so this page notices at once that the token is unknown.
    if (!where.startsWith("/verify-email")) answer = await navigate(page, () => page.locator("main button.main").click());
    assert.equal(answer.status(), 400, where);
    assert.equal(await heading(page), "This link no longer works");
  }
});

testWithAndWithoutScripts("each refusal is a page: not found, not allowed, or the wrong method", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await register(page, scenario.server);
  for (const [where, status] of [
    ["/account/nothing", 404],
    ["/admin", 403],
    ["/admin/users", 403],
    ["/admin/audit", 403],
    ["/admin/keys", 403],
    ["/account/export", 405],
    ["/account/sessions?cursor=nonsense", 422],
    ["/account/sessions?status=nonsense", 422],
    ["/login?return_to=https://evil.example", 400],
  ]) {
    const answer = await page.goto(scenario.server.at(where));
    assert.equal(answer.status(), status, where);
    assert.match(answer.headers()["content-type"], /^text\/html/, where);
    assert.match(await heading(page), /\S/, where);
    assert.equal(await page.getByRole("main").getByRole("link").count(), 1, where);
    const request = await page.getByText(/^Request ID:/).innerText();
    assert.ok(request.includes(answer.headers()["x-request-id"]), where);
  }
  assert.equal(await page.getByRole("link", { name: "Administration" }).count(), 0);
  await page.goto(scenario.server.at("/account/nothing"));
  await follow(page, "Go to your account");
  assert.equal(place(page), "/account");
});
