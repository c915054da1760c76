// How the pages look that everybody may open, and whether everybody can use them.

import assert from "node:assert/strict";
import { judge } from "./axe.js";
import { mailedLink } from "./mail.js";
import { PASSWORD, fill, fillSignIn, newAddress, press, register, signOut } from "./person.js";
import { proves, setStage } from "./stage.js";

const stage = await setStage();
const { house } = stage;

proves("everybody can read and use the sign-in", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(house.at("/login"));
  await judge(page, "login");
  await fillSignIn(page, "ada@example.com", "not the password");
  await judge(page, "login-refused");
  await page.goto(house.at("/login?ended=1&return_to=%2Faccount"));
  await judge(page, "login-session-ended");
  await register(page, house);
  await page.goto(house.at("/logout"));
  await judge(page, "logout");
  await signOut(page);
  await judge(page, "login-signed-out");
});

proves("everybody can read and use the registration", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(house.at("/register"));
  await judge(page, "register");
  await fill(page, "Email address", "ada at example");
  await page.getByLabel("Password", { exact: true }).pressSequentially("password");
  await page.locator(".judgement", { hasText: /\S/ }).waitFor();
  await judge(page, "register-judged");
  await press(page, "Create account");
  await judge(page, "register-refused");
  await page.goto(house.setupLink);
  await judge(page, "setup");
  await fill(page, "Set-up token", "a guess");
  await fill(page, "Email address", "ada@example.com");
  await fill(page, "Password", PASSWORD);
  await press(page, "Create administrator");
  await judge(page, "setup-refused");
});

proves("everybody can read and use the recovery", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(house.at("/forgot"));
  await judge(page, "forgot");
  await fill(page, "Email address", " ");
  await press(page, "Mail me a link");
  await judge(page, "forgot-refused");
  await fill(page, "Email address", newAddress());
  await press(page, "Mail me a link");
  await judge(page, "forgot-sent");
  await page.goto(house.at("/reset?token=any"));
  await judge(page, "reset");
  await fill(page, "New password", "password");
  await press(page, "Set new password");
  await judge(page, "reset-lapsed");
});

proves("everybody can read and use what mails lead to", async (t) => {
  const page = await stage.sitDown(t);
  const email = await register(page, house);
  await signOut(page);
  await page.goto(await mailedLink(house, email, "/verify-email"));
  await judge(page, "verify-email");
  await fill(page, "New password", "password");
  await press(page, "Confirm with a new password");
  await judge(page, "verify-email-refused");
  await page.goto(house.at("/verify-email?token=any"));
  await judge(page, "verify-email-lapsed");
  await page.goto(await mailedLink(house, email, "/not-me"));
  await judge(page, "not-me");
  await press(page, "Lock everybody out");
  await judge(page, "not-me-done");
  await page.goto(house.at("/forgot"));
  await fill(page, "Email address", email);
  await press(page, "Mail me a link");
  await page.goto(await mailedLink(house, email, "/reset"));
  await fill(page, "New password", "password");
  await press(page, "Set new password");
  await judge(page, "reset-refused");
});

proves("everybody can read what went wrong", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(house.at("/account/nothing"));
  await page.goto(house.at("/login?return_to=https://evil.example"));
  await judge(page, "problem-return-to");
  await page.goto(house.at("/login"));
  await page.context().clearCookies();
  await fillSignIn(page, "ada@example.com");
  await judge(page, "problem-form-expired");
  await register(page, house);
  await page.goto(house.at("/account/nothing"));
  await judge(page, "problem-not-found");
  await page.goto(house.at("/admin"));
  await judge(page, "problem-forbidden");
});

proves("a page that is hard to read or to use would be found", async (t) => {
  const page = await stage.sitDown(t);
  await page.goto(house.at("/login"));
  await page.evaluate(() => {
    document.querySelector("main img, header img").removeAttribute("alt");
    document.querySelector("label").remove();
    document.querySelector("h1").style.color = "#ccc";
    document.querySelector("main").style.width = "3000px";
    for (const button of document.querySelectorAll("main button")) {
      Object.assign(button.style, { minHeight: "0", height: "9px", width: "9px", padding: "0", margin: "0" });
      button.after(button.cloneNode(true));
    }
  });
  const found = await judge(page, "self-test").then(
    () => "nothing",
    (error) => error.message,
  );
  for (const rule of [/image-alt/, /label: /, /color-contrast/, /target-size/, /wider than its window/]) assert.match(found, rule);
});
