// Forms, as somebody meets them who types, pastes, reads and errs. The rule: what is wrong stands beside its field, in words that
// assistive technology reads with the field, and nothing that was typed is lost but a password.

import assert from "node:assert/strict";
import { PASSWORD, complaint, fill, follow, heading, newAddress, place, press, register, said, signOut } from "./person.js";
import { proves, provesWithAndWithoutScripts, setStage } from "./stage.js";

const stage = await setStage();
const field = (page, label) => page.getByLabel(label, { exact: true });

// What is read after a field's label.
async function description(page, label) {
  const ids = (await field(page, label).getAttribute("aria-describedby")).split(" ");
  const texts = await Promise.all(ids.map((id) => page.locator(`#${id}`).innerText()));
  return texts.join(" ");
}

provesWithAndWithoutScripts("a weak password is refused beside its field, and the rest stays", async (t, scripts) => {
  const page = await stage.sitDown(t, scripts);
  await page.goto(stage.house.at("/register"));
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
  const told = await description(page, "Password");
  assert.ok(told.endsWith(rules) && told.length > rules.length + 5, told);
  assert.equal(await field(page, "Password").inputValue(), "");
  assert.equal(await field(page, "Email address").inputValue(), "weak@example.com");
  assert.equal(await field(page, "Name (optional)").inputValue(), "Weak");
  assert.equal(await field(page, "Email address").getAttribute("aria-invalid"), null);
  if (scripts.javaScriptEnabled) assert.ok(await field(page, "Password").evaluate((input) => input === document.activeElement));
});

provesWithAndWithoutScripts(
  "an address that is none, and one that is taken, are refused beside their field",
  async (t, scripts) => {
    const page = await stage.sitDown(t, scripts);
    const taken = await register(page, stage.house);
    await signOut(page);
    for (const [address, status] of [
      ["ada at example", 422],
      [taken, 409],
    ]) {
      await page.goto(stage.house.at("/register"));
      await fill(page, "Email address", address);
      await fill(page, "Password", PASSWORD);
      assert.equal((await press(page, "Create account")).status(), status);
      assert.match(await description(page, "Email address"), /\S/);
      assert.equal(await field(page, "Email address").inputValue(), address);
    }
    await page.goto(stage.house.at("/forgot"));
    await fill(page, "Email address", " ");
    assert.equal((await press(page, "Mail me a link")).status(), 422);
    assert.match(await description(page, "Email address"), /as in name@example\.com/);
  },
);

proves("a password is judged while it is typed", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(stage.house.at("/register"));
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

proves("a password can be shown and hidden, by pointer and by key", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(stage.house.at("/login"));
  const password = field(page, "Password");
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await password.getAttribute("type"), "text");
  assert.equal(await password.inputValue(), PASSWORD);
  await page.getByRole("button", { name: "Hide" }).press("Space");
  assert.equal(await password.getAttribute("type"), "password");
  await page.getByRole("button", { name: "Show" }).waitFor();
});

proves("without scripts there is no button that does nothing", async (t) => {
  const page = await stage.sitDown(t, { javaScriptEnabled: false });
  await page.goto(stage.house.at("/login"));
  assert.deepEqual(await page.getByRole("button").allInnerTexts(), ["Sign in"]);
});

provesWithAndWithoutScripts("a password can be pasted", async (t, scripts) => {
  const page = await stage.sitDown(t, scripts);
  await page.goto(stage.house.at("/register"));
  const name = field(page, "Name (optional)");
  await name.fill(PASSWORD);
  await name.press("Control+A");
  await name.press("Control+X");
  await field(page, "Password").press("Control+V");
  assert.equal(await field(page, "Password").inputValue(), PASSWORD);
  assert.equal(await name.inputValue(), "");
});

proves("password managers are told what each field is", async (t) => {
  const page = await stage.sitDown(t);
  const told = async (where) => {
    await page.goto(stage.house.at(where));
    const inputs = page.locator("main input:not([type=hidden]):not([type=checkbox])");
    return inputs.evaluateAll((all) => all.map((input) => `${input.name}: ${input.type} ${input.autocomplete}`));
  };
  assert.deepEqual(await told("/login"), ["email: text username", "password: password current-password"]);
  assert.deepEqual(await told("/register"), ["email: text username", "name: text name", "password: password new-password"]);
  assert.deepEqual(await told("/forgot"), ["email: text username"]);
  assert.deepEqual(await told("/reset?token=x"), ["new_password: password new-password"]);
  await register(page, stage.house);
  assert.deepEqual(await told("/account"), ["name: text name"]);
  assert.deepEqual(await told("/account/security"), [
    "username: text username",
    "current_password: password current-password",
    "new_password: password new-password",
    "username: text username",
    "new_email: text email",
    "email_password: password current-password",
  ]);
  const ofDeletion = ["username: text username", "current_password: password current-password"];
  assert.deepEqual(await told("/account/data"), ofDeletion);
});

provesWithAndWithoutScripts(
  "a form that is too old, or another browser's, says so and offers the way back",
  async (t, scripts) => {
    const page = await stage.sitDown(t, scripts);
    const context = page.context();
    await page.goto(stage.house.at("/login"));
    await context.clearCookies({ name: "kw_visitor" });
    await fill(page, "Email address", "ada@example.com");
    await fill(page, "Password", PASSWORD);
    assert.equal((await press(page, "Sign in")).status(), 403);
    await follow(page, "Open the form again");
    assert.equal(place(page), "/login");

    // A tab from before a sign-in that happened in another one.
    await register(page, stage.house);
    await signOut(page);
    const old = await context.newPage();
    await old.goto(stage.house.at("/register"));
    const email = await register(page, stage.house);
    await fill(old, "Email address", newAddress());
    await fill(old, "Password", PASSWORD);
    assert.equal((await press(old, "Create account")).status(), 403);
    await page.reload();
    await page.getByRole("banner").getByText(email).waitFor();

    // The form of another person, who is signed in elsewhere.
    const other = await stage.sitDown(t, scripts);
    await register(other, stage.house);
    const token = await other.locator("main input[name=form]").first().inputValue();
    await page.locator("main input[name=form]").evaluateAll((all, value) => all.forEach((one) => (one.value = value)), token);
    await fill(page, "Name", "Somebody Else");
    assert.equal((await press(page, "Save")).status(), 403);
    await follow(page, "Open the form again");
    assert.equal(await field(page, "Name").inputValue(), "");
  },
);

proves("a double click sends a form once", async (t) => {
  const page = await stage.sitDown(t);
  await register(page, stage.house);
  let sent = 0;
  page.on("request", (request) => (sent += request.method() === "POST" ? 1 : 0));
  await fill(page, "Name", "Ada");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Save" }).dblclick()]);
  assert.equal(await said(page), "Saved.");
  assert.equal(sent, 1);
});
