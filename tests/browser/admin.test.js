// Administration. The rule: an administrator sees the current state and changes what their role allows, and the change takes effect
// at the user's next click.

import assert from "node:assert/strict";
import { TestServer } from "./server.js";
import { openPage } from "./browser.js";
import { mailedLink } from "./mail.js";
import {
  PASSWORD,
  complaint,
  fill,
  fillSignIn,
  follow,
  heading,
  navigate,
  newAddress,
  place,
  press,
  register,
  said,
  signIn,
} from "./user.js";
import { openScenario, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();

async function openAdministration(t, scripts, role = "admin") {
  const email = newAddress(role);
  await scenario.server.operate(["user", "create", email, "--role", role, "--password-stdin"], `${PASSWORD}\n`);
  const page = await scenario.openPage(t, scripts);
  await signIn(page, scenario.server, email);
  await follow(page, "Administration");
  return page;
}

async function open(desk, email) {
  await desk.goto(scenario.server.at(`/admin/users?query=${encodeURIComponent(email)}`));
  await follow(desk, email);
}

const rows = (page) => page.getByRole("main").locator("tbody tr");

testWithAndWithoutScripts(
  "the first administrator is created with the token that the server prints, and no other account is",
  async (t, scripts) => {
    const server = await TestServer.open();
    t.after(() => server.close());
    const page = await openPage(scenario.browser, t, server, scripts);
    await page.goto(server.at("/setup"));
    await fill(page, "Set-up token", "a guess");
    await fill(page, "Email address", "first@example.com");
    await fill(page, "Password", PASSWORD);
    await press(page, "Create administrator");
    assert.equal(await page.getByLabel("Set-up token").getAttribute("aria-invalid"), "true");
    await page.goto(server.setupLink);
    await fill(page, "Email address", "first@example.com");
    await fill(page, "Password", PASSWORD);
    await press(page, "Create administrator");
    assert.equal(place(page), "/admin");
    assert.equal(await heading(page), "Overview");
    const answer = await page.goto(server.setupLink);
    assert.ok(answer.status() >= 400);
    assert.equal(await page.getByLabel("Set-up token").count(), 0);
  },
);

testWithAndWithoutScripts("users are found by the beginning of their email address, by role and by status", async (t, scripts) => {
  const server = scenario.server;
  for (const [name, ...more] of [["grace.hopper"], ["grace.murray", "--role", "viewer"], ["linus"]]) {
    const email = `${name}.${scripts.javaScriptEnabled}@search.example`;
    await server.operate(["user", "create", email, ...more, "--name", `The ${name}`, "--no-password"]);
  }
  const desk = await openAdministration(t, scripts);
  await follow(desk, "Users");
  const found = async () =>
    (await rows(desk).getByRole("link").allInnerTexts()).filter((email) => email.includes(`.${scripts.javaScriptEnabled}@`));
  await fill(desk, "Search", "GRACE");
  await press(desk, "Apply filters");
  assert.equal((await found()).length, 2);
  assert.equal(await desk.getByLabel("Search").inputValue(), "GRACE");
  await desk.getByRole("search").getByLabel("Role").selectOption("viewer");
  await press(desk, "Apply filters");
  assert.deepEqual(await found(), [`grace.murray.${scripts.javaScriptEnabled}@search.example`]);
  await desk.getByRole("search").getByLabel("Status").selectOption("disabled");
  await press(desk, "Apply filters");
  assert.equal(await rows(desk).count(), 0);
  await desk.getByText("Nothing to show.").waitFor();
  await desk.goto(server.at("/admin/users"));
  await fill(desk, "Search", "The linus");
  await press(desk, "Apply filters");
  assert.equal((await found()).length, 1);
});

testWithAndWithoutScripts("a change of role takes effect at the next click, and a disabled account is signed out at once", async (t, scripts) => {
  const user = await scenario.openPage(t, scripts);
  const email = await register(user, scenario.server, { name: "Ada" });
  const desk = await openAdministration(t, scripts);
  await open(desk, email);
  const form = desk.locator("form").filter({ has: desk.getByRole("button", { name: "Save" }) });
  await form.getByLabel("Name").fill("Ada Lovelace");
  await form.getByLabel("Role").selectOption("viewer");
  await form.getByLabel("Email confirmed").check();
  await press(desk, "Save");
  assert.equal(await said(desk), "Saved.");
  assert.equal(await form.getByLabel("Role").inputValue(), "viewer");

  await follow(user, "Profile");
  assert.equal(place(user), "/account");
  await user.getByText("viewer", { exact: true }).waitFor();
  await user.getByText("confirmed", { exact: true }).waitFor();
  assert.equal(await user.getByLabel("Name").inputValue(), "Ada Lovelace");
  await follow(user, "Administration");

  await form.getByLabel("Status").selectOption("disabled");
  await press(desk, "Save");
  await follow(user, "Account");
  assert.equal(place(user), "/login");
  const refused = await fillSignIn(user, email);
  assert.ok(refused.status() >= 400, "a disabled user signs in");
  assert.match(await complaint(user), /\S/);
  await form.getByLabel("Status").selectOption("active");
  await press(desk, "Save");
  await fillSignIn(user, email);
  assert.match(place(user), /^\/(account|admin)/);

  await open(desk, email);
  await press(desk, "End all sessions");
  assert.equal(await said(desk), "All sessions of the user have ended.");
  await follow(user, "Account");
  assert.equal(place(user), "/login");
});

testWithAndWithoutScripts("a user is invited, receives a mail, and is deleted", async (t, scripts) => {
  const desk = await openAdministration(t, scripts);
  const email = newAddress("guest");
  await follow(desk, "Users");
  const form = desk.locator("form").filter({ has: desk.getByRole("button", { name: "Invite" }) });
  await form.getByLabel("Email address").fill("no address");
  await form.getByLabel("Name (optional)").fill("Guest");
  await press(desk, "Invite");
  assert.equal(await form.getByLabel("Email address").getAttribute("aria-invalid"), "true");
  assert.equal(await form.getByLabel("Name (optional)").inputValue(), "Guest");
  await form.getByLabel("Email address").fill(email);
  await press(desk, "Invite");
  assert.equal(await said(desk), "Invitation sent.");

  const guest = await scenario.openPage(t, scripts);
  await guest.goto(await mailedLink(scenario.server, email, "/reset"));
  await fill(guest, "New password", PASSWORD);
  await press(guest, "Set new password");
  await fillSignIn(guest, email);
  assert.equal(await guest.getByLabel("Name").inputValue(), "Guest");

  await open(desk, email);
  await press(desk, "Send reset link");
  assert.equal(await said(desk), "Reset link sent.");
  const session = desk.getByRole("main").getByRole("listitem").filter({ hasText: "last used" });
  await press(session, /^End/, desk);
  assert.equal(await said(desk), "The session has ended.");
  await follow(guest, "Devices and sessions");
  assert.equal(place(guest), "/login");
  await desk.locator("summary").filter({ hasText: "Delete" }).click();
  await desk.getByLabel("Yes, delete this user.").check();
  await press(desk, "Delete user");
  assert.equal(place(desk), "/admin/users");
  assert.equal(await said(desk), "The user is deleted.");
  assert.equal((await fillSignIn(guest, email)).status(), 401);
});

testWithAndWithoutScripts("the last administrator can't be removed, and the page says so", async (t, scripts) => {
  const server = await TestServer.open();
  t.after(() => server.close());
  await server.operate(["user", "create", "only@example.com", "--role", "admin", "--password-stdin"], `${PASSWORD}\n`);
  const page = await openPage(scenario.browser, t, server, scripts);
  await signIn(page, server, "only@example.com");
  await page.goto(server.at("/admin/users"));
  await follow(page, "only@example.com");
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: "Save" }) });
  await form.getByLabel("Role").selectOption("user");
  const answer = await press(page, "Save");
  assert.ok([409, 422, 403].includes(answer.status()), String(answer.status()));
  assert.match(await complaint(page), /administrator/);
});

testWithAndWithoutScripts("the audit log is filtered, paged through, and verified", async (t, scripts) => {
  const user = await scenario.openPage(t, scripts);
  const email = await register(user, scenario.server);
  const desk = await openAdministration(t, scripts);
  await open(desk, email);
  await follow(desk, "View in the audit log");
  assert.equal(place(desk), "/admin/audit");
  assert.equal(await rows(desk).count(), 1);
  assert.match(await rows(desk).first().innerText(), /Account registered/);
  await desk.getByRole("search").getByLabel("Event").selectOption({ label: "Signed in" });
  await press(desk, "Apply filters");
  await desk.getByText("Nothing to show.").waitFor();
  await desk.getByLabel("User (ID)").fill("");
  await desk.getByLabel("Since (UTC)").fill("2020-01-01T00:00");
  await desk.getByLabel("Until (UTC)").fill("2020-01-02T00:00");
  await press(desk, "Apply filters");
  assert.equal(await rows(desk).count(), 0);
  await desk.getByLabel("Until (UTC)").fill("");
  await press(desk, "Apply filters");
  assert.ok((await rows(desk).count()) > 0);
  assert.ok((await rows(desk).allInnerTexts()).every((row) => row.includes("Signed in")));
  await press(desk, "Verify integrity");
  assert.match(await said(desk), /^No tampering found: \d+ events in \d+ sealed batches/);
});

testWithAndWithoutScripts("signing keys are listed, a compromised one is dropped, and no user is signed out by it", async (t, scripts) => {
  const user = await scenario.openPage(t, scripts);
  await register(user, scenario.server);
  const desk = await openAdministration(t, scripts);
  await follow(desk, "Signing keys");
  const active = () => rows(desk).filter({ hasText: "active" }).locator("code").innerText();
  const stolen = await active();
  // The next key was published too recently: services that verify tokens may not know it yet.
  assert.equal((await press(desk, "Rotate keys")).status(), 409);
  assert.match(await complaint(desk), /may sign from \d{4}-\d\d-\d\d \d\d:\d\d UTC on/);
  assert.equal(await active(), stolen);
  await desk.getByLabel("The active key is compromised").check();
  await press(desk, "Rotate keys");
  assert.equal(await said(desk), "The keys are rotated.");
  assert.notEqual(await active(), stolen);
  for (const page of [user, desk]) {
    await follow(page, "Account");
    assert.equal(place(page), "/account");
  }
});

testWithAndWithoutScripts("the overview draws what it counts, and has the same numbers as a table", async (t, scripts) => {
  const desk = await openAdministration(t, scripts);
  assert.equal(await heading(desk), "Overview");
  for (const range of ["24 hours", "7 days", "30 days"]) {
    await follow(desk, range);
    assert.equal(await desk.getByRole("main").getByRole("img").count(), 3, range);
    for (const name of [/^Sign-ins \d+ total/, /^Failed sign-ins \d+ total/, /^Refreshes \d+ total/]) {
      assert.equal(await desk.getByRole("img", { name }).count(), 1, `${range}: ${name}`);
    }
    const signIns = desk.getByRole("img", { name: /^Sign-ins/ });
    assert.ok((await signIns.locator("rect").count()) > 0, range);
    const caption = desk.locator(`#${await signIns.getAttribute("aria-labelledby")}`);
    const total = Number((await caption.innerText()).match(/\d+/)[0]);
    await desk.getByText("Show as table").click();
    const numbers = desk.getByRole("region", { name: "Show as table" });
    await numbers.waitFor({ state: "visible" });
    const counts = await numbers.locator("tbody tr td:nth-child(2)").allInnerTexts();
    assert.equal(
      counts.reduce((sum, count) => sum + Number(count), 0),
      total,
      range,
    );
  }
});

testWithAndWithoutScripts("a viewer is shown no form that changes anything", async (t, scripts) => {
  const user = await scenario.openPage(t, scripts);
  const email = await register(user, scenario.server);
  const desk = await openAdministration(t, scripts, "viewer");
  const side = desk.getByRole("navigation", { name: "Pages" });
  for (const name of await side.getByRole("link").allInnerTexts()) {
    await navigate(desk, () => side.getByRole("link", { name, exact: true }).click());
    assert.match(await heading(desk), new RegExp(name));
    const forms = await desk
      .locator("main form[method=post]")
      .evaluateAll((all) => all.map((form) => form.getAttribute("action")));
    assert.deepEqual(
      forms.filter((action) => action !== "/admin/audit/verify"),
      [],
      name,
    );
  }
  await open(desk, email);
  assert.equal(await desk.locator("main form[method=post]").count(), 0);
});
