// How the pages of one's own account look, and whether everybody can use them.

import { judge } from "./axe.js";
import { PASSWORD, fill, press, register, signIn } from "./person.js";
import { proves, setStage } from "./stage.js";

const stage = await setStage();
const { house } = stage;
const LONG = `${"wolfeschlegelsteinhausenbergerdorff".repeat(2)}@long.example.com`.slice(-64);

proves("everybody can read and use the profile and the data", async (t) => {
  const page = await stage.sitDown(t);
  await register(page, house, { email: LONG, name: "Wolfeschlegelsteinhausenbergerdorff".repeat(2) });
  await judge(page, "account-long-names");
  await fill(page, "Name", "x".repeat(300));
  await press(page, "Save");
  await judge(page, "account-refused");
  await fill(page, "Name", "Ada Lovelace");
  await press(page, "Save");
  await judge(page, "account-saved");
  await page.goto(house.at("/account/data"));
  await judge(page, "account-data");
  await fill(page, "Current password", "not the password");
  await page.getByLabel("I want my account to be deleted.").check();
  await press(page, "Delete my account");
  await judge(page, "account-data-refused");
});

proves("everybody can read and use the sessions and the activity", async (t) => {
  const [page, other] = [await stage.sitDown(t), await stage.sitDown(t, { userAgent: "curl/8.5.0" })];
  const email = await register(page, house);
  await signIn(other, house, email);
  await page.goto(house.at("/account/sessions"));
  await judge(page, "sessions");
  await press(page, "End all other sessions");
  await judge(page, "sessions-others-ended");
  await page.goto(house.at("/account/sessions?status=ended"));
  await judge(page, "sessions-ended");
  await page.goto(house.at("/account/events"));
  await judge(page, "events");
});

proves("everybody can read and use passwords, addresses and keys", async (t) => {
  const page = await stage.sitDown(t);
  await register(page, house);
  await page.goto(house.at("/account/security"));
  await judge(page, "security");
  await page.locator("#current_password").fill("not the password");
  await page.locator("#new_password").fill(PASSWORD);
  await press(page, "Change password");
  await judge(page, "security-password-refused");
  await page.locator("#new_email").fill("no address");
  await page.locator("#email_password").fill(PASSWORD);
  await press(page, "Mail a link");
  await judge(page, "security-address-refused");
  await page.goto(house.at("/account/keys"));
  await judge(page, "keys");
  await fill(page, "What it is for", "nightly backup");
  await press(page, "Make key");
  await judge(page, "keys-made");
  await fill(page, "What it is for", " ");
  await press(page, "Make key");
  await judge(page, "keys-refused");
});
