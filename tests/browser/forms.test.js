// Forms, for a user who types, pastes, reads and makes mistakes. The rule: each error is shown beside its field, in words that
// assistive technology reads with the field, and everything that was typed is kept except passwords.

import assert from "node:assert/strict";
import { PASSWORD, complaint, fill, follow, heading, newAddress, place, press, register, said, signOut } from "./user.js";
import { openScenario, testCase, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();
const field = (page, label) => page.getByLabel(label, { exact: true });

// The description that a screen reader reads after a field's label.
async function description(page, label) {
  const ids = (await field(page, label).getAttribute("aria-describedby")).split(" ");
  const texts = await Promise.all(ids.map((id) => page.locator(`#${id}`).innerText()));
  return texts.join(" ");
}

testWithAndWithoutScripts("a weak password is refused beside its field, and the rest stays", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await page.goto(scenario.server.at("/register"));
  const rules = await description(page, "Password");
  assert.match(rules, /At least 8 characters\./);
  await page.getByText("At least 8 characters.").waitFor({ state: "visible" });
  await fill(page, "Email address", "  weak@example.com ");
  await fill(page, "Name (optional)", "Weak");
  await fill(page, "Password", "password1");
  const answer = await press(page, "Create account");
  assert.equal(answer.status(), 422);
  assert.equal(await heading(page), "Create an account");
  assert.match(await page.title(), /^Error: /);
  assert.match(await complaint(page), /\S/);
  assert.equal(await field(page, "Password").getAttribute("aria-invalid"), "true");
  const fields = await description(page, "Password");
  assert.ok(fields.endsWith(rules) && fields.length > rules.length + 5, fields);
  assert.equal(await field(page, "Password").inputValue(), "");
  assert.equal(await field(page, "Email address").inputValue(), "weak@example.com");
  assert.equal(await field(page, "Name (optional)").inputValue(), "Weak");
  assert.equal(await field(page, "Email address").getAttribute("aria-invalid"), null);
  if (scripts.javaScriptEnabled) assert.ok(await field(page, "Password").evaluate((input) => input === document.activeElement));
});

testWithAndWithoutScripts(
  "an invalid email address and a taken one are refused beside their field",
  async (t, scripts) => {
    const page = await scenario.openPage(t, scripts);
    const taken = await register(page, scenario.server);
    await signOut(page);
    for (const [address, status] of [
      ["ada at example", 422],
      [taken, 409],
    ]) {
      await page.goto(scenario.server.at("/register"));
      await fill(page, "Email address", address);
      await fill(page, "Password", PASSWORD);
      assert.equal((await press(page, "Create account")).status(), status);
      assert.match(await description(page, "Email address"), /\S/);
      assert.equal(await field(page, "Email address").inputValue(), address);
    }
    await page.goto(scenario.server.at("/forgot"));
    await fill(page, "Email address", " ");
    assert.equal((await press(page, "Send reset link")).status(), 422);
    assert.match(await description(page, "Email address"), /like name@example\.com/);
  },
);

testCase("the strength of a password is shown while it is typed", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(scenario.server.at("/register"));
  const judgement = page.locator(`#${await field(page, "Password").getAttribute("id")}-judgement`);
  assert.equal(await judgement.getAttribute("aria-live"), "polite");
  await fill(page, "Email address", "lovelace@example.com");
  await field(page, "Password").pressSequentially("abc");
  await judgement.filter({ hasText: /8 characters/ }).waitFor();
  await field(page, "Password").fill("lovelace@example.com");
  await judgement.filter({ hasNotText: /8 characters/ }).waitFor();
  assert.notEqual(await judgement.innerText(), "This is a good password.");
  await field(page, "Password").fill(PASSWORD);
  await page.getByText("This is a good password.").waitFor();
  await field(page, "Password").fill("");
  await judgement.filter({ hasText: /^$/ }).waitFor({ state: "attached" });
});

testCase("a password can be shown and hidden, by pointer and by key", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(scenario.server.at("/login"));
  const password = field(page, "Password");
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await password.getAttribute("type"), "text");
  assert.equal(await password.inputValue(), PASSWORD);
  await page.getByRole("button", { name: "Hide" }).press("Space");
  assert.equal(await password.getAttribute("type"), "password");
  await page.getByRole("button", { name: "Show" }).waitFor();
});

testCase("without scripts there is no button that does nothing", async (t) => {
  const page = await scenario.openPage(t, { javaScriptEnabled: false });
  await page.goto(scenario.server.at("/login"));
  assert.deepEqual(await page.getByRole("button").allInnerTexts(), ["Sign in"]);
});

testWithAndWithoutScripts("a password can be pasted", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await page.goto(scenario.server.at("/register"));
  const name = field(page, "Name (optional)");
  await name.fill(PASSWORD);
  await name.press("Control+A");
  await name.press("Control+X");
  await field(page, "Password").press("Control+V");
  assert.equal(await field(page, "Password").inputValue(), PASSWORD);
  assert.equal(await name.inputValue(), "");
});

testCase("each field says what it is to password managers", async (t) => {
  const page = await scenario.openPage(t);
  const fields = async (where) => {
    await page.goto(scenario.server.at(where));
    const inputs = page.locator("main input:not([type=hidden]):not([type=checkbox])");
    return inputs.evaluateAll((all) => all.map((input) => `${input.name}: ${input.type} ${input.autocomplete}`));
  };
  assert.deepEqual(await fields("/login"), ["email: text username", "password: password current-password"]);
  assert.deepEqual(await fields("/register"), ["email: text username", "name: text name", "password: password new-password"]);
  assert.deepEqual(await fields("/forgot"), ["email: text username"]);
  assert.deepEqual(await fields("/reset?token=x"), ["new_password: password new-password"]);
  await register(page, scenario.server);
  assert.deepEqual(await fields("/account"), ["name: text name"]);
  assert.deepEqual(await fields("/account/security"), [
    "username: text username",
    "current_password: password current-password",
    "new_password: password new-password",
    "username: text username",
    "new_email: text email",
    "email_password: password current-password",
  ]);
  const ofDeletion = ["username: text username", "current_password: password current-password"];
  assert.deepEqual(await fields("/account/data"), ofDeletion);
});

testWithAndWithoutScripts(
  "a form that is too old, or another browser's, says so and offers the way back",
  async (t, scripts) => {
    const page = await scenario.openPage(t, scripts);
    const context = page.context();
    await page.goto(scenario.server.at("/login"));
    await context.clearCookies({ name: "kw_visitor" });
    await fill(page, "Email address", "ada@example.com");
    await fill(page, "Password", PASSWORD);
    assert.equal((await press(page, "Sign in")).status(), 403);
    await follow(page, "Open the form again");
    assert.equal(place(page), "/login");

    // This tab was opened before the user signed in in another tab.
    await register(page, scenario.server);
    await signOut(page);
    const old = await context.newPage();
    await old.goto(scenario.server.at("/register"));
    const email = await register(page, scenario.server);
    await fill(old, "Email address", newAddress());
    await fill(old, "Password", PASSWORD);
    assert.equal((await press(old, "Create account")).status(), 403);
    await page.reload();
    await page.getByRole("banner").getByText(email).waitFor();

    // The form of another user, who is signed in in another browser.
    const other = await scenario.openPage(t, scripts);
    await register(other, scenario.server);
    const token = await other.locator("main input[name=form]").first().inputValue();
    await page.locator("main input[name=form]").evaluateAll((all, value) => all.forEach((one) => (one.value = value)), token);
    await fill(page, "Name", "Somebody Else");
    assert.equal((await press(page, "Save")).status(), 403);
    await follow(page, "Open the form again");
    assert.equal(await field(page, "Name").inputValue(), "");
  },
);

testCase("a double click sends a form once", async (t) => {
  const page = await scenario.openPage(t);
  await register(page, scenario.server);
  let sent = 0;
  page.on("request", (request) => (sent += request.method() === "POST" ? 1 : 0));
  await fill(page, "Name", "Ada");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Save" }).dblclick()]);
  assert.equal(await said(page), "Saved.");
  assert.equal(sent, 1);
});
