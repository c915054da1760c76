// The account pages. The rule: what a page says was done is done, for the API and for every other browser, too.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
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
  sessions,
  signIn,
  signOut,
} from "./user.js";
import { openScenario, testCase, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();
const NEW_PASSWORD = "copper lantern 12 meadow";
const api = (path, token) => fetch(scenario.server.at(`/api/v1/auth${path}`), { headers: { Authorization: `Bearer ${token}` } });

testWithAndWithoutScripts("a name is changed, refused, and removed", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await register(page, scenario.server);
  await fill(page, "Name", "  Ada Lovelace ");
  await press(page, "Save");
  assert.equal(await said(page), "Saved.");
  assert.equal(await page.getByLabel("Name").inputValue(), "Ada Lovelace");
  const tooLong = "x".repeat(300);
  await fill(page, "Name", tooLong);
  assert.equal((await press(page, "Save")).status(), 422);
  assert.equal(await page.getByLabel("Name").getAttribute("aria-invalid"), "true");
  assert.equal(await page.getByLabel("Name").inputValue(), tooLong);
  await fill(page, "Name", "");
  await press(page, "Save");
  assert.equal(await page.getByLabel("Name").inputValue(), "");
});

testWithAndWithoutScripts("a new password ends the other sessions and not this one", async (t, scripts) => {
  const [page, other] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
  const email = await register(page, scenario.server);
  await signIn(other, scenario.server, email);
  await follow(page, "Password and email");
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: "Change password" }) });
  await form.getByLabel("Current password").fill("not the password");
  await form.getByLabel("New password").fill(NEW_PASSWORD);
  await press(form, "Change password", page);
  assert.match(await complaint(page), /\S/);
  assert.equal(await form.getByLabel("Current password").getAttribute("aria-invalid"), "true");
  assert.equal(await form.getByLabel("New password").getAttribute("aria-invalid"), null);
  await form.getByLabel("Current password").fill(PASSWORD);
  await form.getByLabel("New password").fill(NEW_PASSWORD);
  await press(form, "Change password", page);
  assert.equal(await said(page), "Your password is changed, and your other sessions have ended.");
  await follow(other, "Profile");
  assert.equal(place(other), "/login");
  await fillSignIn(other, email, NEW_PASSWORD);
  assert.equal((await sessions(page, scenario.server)).length, 2);
});

testWithAndWithoutScripts("all other sessions end with one press, and the list says why they ended", async (t, scripts) => {
  const [page, ...others] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
  const email = await register(page, scenario.server);
  for (const other of others) await signIn(other, scenario.server, email);
  assert.equal((await sessions(page, scenario.server)).length, 3);
  await press(page, "End all other sessions");
  assert.equal(await said(page), "All your other sessions have ended.");
  assert.equal(await page.getByRole("main").getByRole("listitem").count(), 1);
  for (const other of others) {
    await follow(other, "API keys");
    assert.equal(place(other), "/login");
  }
  await follow(page, "Ended");
  assert.equal(await page.getByRole("main").getByRole("listitem").count(), 2);
  await follow(page, "Active");
  await press(page.getByRole("main").getByRole("listitem"), /^Sign out/, page);
  assert.equal(await said(page), "You are signed out.");
});

testWithAndWithoutScripts("an email address is changed by a link sent to the new one", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const old = await register(page, scenario.server);
  const fresh = newAddress("fresh");
  await follow(page, "Password and email");
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: "Send confirmation link" }) });
  await form.getByLabel("New email address").fill(fresh);
  await form.getByLabel("Current password").fill("not the password");
  await press(form, "Send confirmation link", page);
  assert.equal(await form.getByLabel("New email address").inputValue(), fresh);
  assert.equal(await form.getByLabel("Current password").getAttribute("aria-invalid"), "true");
  await form.getByLabel("Current password").fill(PASSWORD);
  await press(form, "Send confirmation link", page);
  assert.equal(await said(page), "We've sent a link to the new address.");
  await page.goto(await mailedLink(scenario.server, fresh, "/verify-email"));
  await press(page, "Confirm");
  await page.goto(scenario.server.at("/account"));
  assert.equal(place(page), "/login");
  assert.equal((await fillSignIn(page, old)).status(), 401);
  await fillSignIn(page, fresh);
  assert.equal(place(page), "/account");
});

testWithAndWithoutScripts("“this was not me” signs out every session, and leads to a new password", async (t, scripts) => {
  const [thief, owner] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
  const email = await register(thief, scenario.server);
  await owner.goto(await mailedLink(scenario.server, email, "/not-me"));
  assert.equal(await heading(owner), "This was not me");
  await press(owner, "Secure my account");
  assert.equal(await heading(owner), "Your account is secured");
  await follow(thief, "Recent activity");
  assert.equal(place(thief), "/login");
  assert.equal((await fillSignIn(thief, email)).status(), 401);
  await follow(owner, "Choose a new password");
  await fill(owner, "Email address", email);
  await press(owner, "Send reset link");
  await owner.goto(await mailedLink(scenario.server, email, "/reset"));
  await fill(owner, "New password", NEW_PASSWORD);
  await press(owner, "Set new password");
  await fillSignIn(owner, email, NEW_PASSWORD);
  assert.equal(place(owner), "/account");
});

testWithAndWithoutScripts("an API key is shown once, works, and no longer works once it is revoked", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await register(page, scenario.server);
  await follow(page, "API keys");
  await fill(page, "Name", "nightly backup");
  assert.equal((await press(page, "Create key")).status(), 201);
  const secret = await page.getByRole("status").locator("code").innerText();
  if (scripts.javaScriptEnabled) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy" }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  }
  assert.equal((await api("/me", secret)).status, 200);
  await navigate(page, () => page.goto(scenario.server.at("/account/keys")));
  assert.ok(!(await page.content()).includes(secret), "a key is shown again");
  await page.getByText("nightly backup").first().waitFor();
  await press(page, /^Revoke.*nightly backup$/);
  assert.equal(await said(page), "The key is revoked.");
  assert.equal((await api("/me", secret)).status, 401);
});

testWithAndWithoutScripts("the user downloads everything that is stored about them", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const email = await register(page, scenario.server, { name: "Ada" });
  await follow(page, "Your data");
  for (let times = 0; times < 2; times += 1) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "account.json");
    const exported = await readFile(await download.path(), "utf8");
    assert.ok(JSON.parse(exported) && exported.includes(email));
    await page.reload();
  }
});

testWithAndWithoutScripts("an account is deleted only with its password", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const email = await register(page, scenario.server);
  await follow(page, "Your data");
  await fill(page, "Current password", "not the password");
  await page.getByLabel("I want to delete my account.").check();
  await press(page, "Delete my account");
  assert.equal(await page.getByLabel("Current password").getAttribute("aria-invalid"), "true");
  await fill(page, "Current password", PASSWORD);
  // Without the tick the browser itself refuses to send the form.
  await page.getByRole("button", { name: "Delete my account" }).click();
  assert.ok(await page.getByLabel("I want to delete my account.").evaluate((box) => box.validity.valueMissing));
  await page.getByLabel("I want to delete my account.").check();
  await press(page, "Delete my account");
  assert.equal(await said(page), "Your account is deleted.");
  assert.equal((await fillSignIn(page, email)).status(), 401);
});

testWithAndWithoutScripts("recent activity is listed in words, the newest first", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  const email = await register(page, scenario.server);
  await signOut(page);
  await fillSignIn(page, email, "not the password");
  await fillSignIn(page, email);
  await follow(page, "Recent activity");
  const events = await page.getByRole("main").getByRole("listitem").locator("strong").allInnerTexts();
  assert.deepEqual(events, ["Signed in", "Failed sign-in", "Session ended", "Account registered"]);
});

testCase("times are shown in the reader's own time zone", async (t) => {
  const page = await scenario.openPage(t, { timezoneId: "Asia/Kolkata" });
  await register(page, scenario.server);
  const time = page.locator("time").first();
  const moment = new Date(await time.getAttribute("datetime"));
  const own = moment.toLocaleTimeString("en", { timeZone: "Asia/Kolkata", timeStyle: "short" });
  assert.ok((await time.innerText()).endsWith(own), `${await time.innerText()} is not ${own}`);
  assert.match(await time.getAttribute("title"), /UTC$/);
});
