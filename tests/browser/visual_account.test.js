// The account pages: screenshots and accessibility. The rule: each state of each page passes the accessibility check.

import { checkPage } from "./axe.js";
import { PASSWORD, fill, press, register, signIn } from "./user.js";
import { openScenario, testCase } from "./scenario.js";

const scenario = await openScenario();
const { server } = scenario;
const LONG = `${"wolfeschlegelsteinhausenbergerdorff".repeat(2)}@long.example.com`.slice(-64);

testCase("the accessibility check passes on the profile and the data", async (t) => {
  const page = await scenario.openPage(t);
  await register(page, server, { email: LONG, name: "Wolfeschlegelsteinhausenbergerdorff".repeat(2) });
  await checkPage(page, "account-long-names");
  await fill(page, "Name", "x".repeat(300));
  await press(page, "Save");
  await checkPage(page, "account-refused");
  await fill(page, "Name", "Ada Lovelace");
  await press(page, "Save");
  await checkPage(page, "account-saved");
  await page.goto(server.at("/account/data"));
  await checkPage(page, "account-data");
  await fill(page, "Current password", "not the password");
  await page.getByLabel("I want to delete my account.").check();
  await press(page, "Delete my account");
  await checkPage(page, "account-data-refused");
});

testCase("the accessibility check passes on the sessions and the activity", async (t) => {
  const [page, other] = [await scenario.openPage(t), await scenario.openPage(t, { userAgent: "curl/8.5.0" })];
  const email = await register(page, server);
  await signIn(other, server, email);
  await page.goto(server.at("/account/sessions"));
  await checkPage(page, "sessions");
  await press(page, "End all other sessions");
  await checkPage(page, "sessions-others-ended");
  await page.goto(server.at("/account/sessions?status=ended"));
  await checkPage(page, "sessions-ended");
  await page.goto(server.at("/account/events"));
  await checkPage(page, "events");
});

testCase("the accessibility check passes on passwords, addresses and keys", async (t) => {
  const page = await scenario.openPage(t);
  await register(page, server);
  await page.goto(server.at("/account/security"));
  await checkPage(page, "security");
  await page.locator("#current_password").fill("not the password");
  await page.locator("#new_password").fill(PASSWORD);
  await press(page, "Change password");
  await checkPage(page, "security-password-refused");
  await page.locator("#new_email").fill("no address");
  await page.locator("#email_password").fill(PASSWORD);
  await press(page, "Send confirmation link");
  await checkPage(page, "security-address-refused");
  await page.goto(server.at("/account/keys"));
  await checkPage(page, "keys");
  await fill(page, "Name", "nightly backup");
  await press(page, "Create key");
  await checkPage(page, "keys-made");
  await fill(page, "Name", " ");
  await press(page, "Create key");
  await checkPage(page, "keys-refused");
});
