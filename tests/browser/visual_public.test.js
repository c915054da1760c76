// The public pages: screenshots and accessibility. The rule: each state of each page passes the accessibility check.

import assert from "node:assert/strict";
import { checkPage } from "./axe.js";
import { mailedLink } from "./mail.js";
import { PASSWORD, fill, fillSignIn, newAddress, press, register, signOut } from "./user.js";
import { openScenario, testCase } from "./scenario.js";

const scenario = await openScenario();
const { server } = scenario;

testCase("the accessibility check passes on the sign-in", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(server.at("/login"));
  await checkPage(page, "login");
  await fillSignIn(page, "ada@example.com", "not the password");
  await checkPage(page, "login-refused");
  await page.goto(server.at("/login?ended=1&return_to=%2Faccount"));
  await checkPage(page, "login-session-ended");
  await register(page, server);
  await page.goto(server.at("/logout"));
  await checkPage(page, "logout");
  await signOut(page);
  await checkPage(page, "login-signed-out");
});

testCase("the accessibility check passes on the registration", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(server.at("/register"));
  await checkPage(page, "register");
  await fill(page, "Email address", "ada at example");
  await page.getByLabel("Password", { exact: true }).pressSequentially("password");
  await page.locator(".judgement", { hasText: /\S/ }).waitFor();
  await checkPage(page, "register-judged");
  await press(page, "Create account");
  await checkPage(page, "register-refused");
  await page.goto(server.setupLink);
  await checkPage(page, "setup");
  await fill(page, "Set-up token", "a guess");
  await fill(page, "Email address", "ada@example.com");
  await fill(page, "Password", PASSWORD);
  await press(page, "Create administrator");
  await checkPage(page, "setup-refused");
});

testCase("the accessibility check passes on the recovery", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(server.at("/forgot"));
  await checkPage(page, "forgot");
  await fill(page, "Email address", " ");
  await press(page, "Send reset link");
  await checkPage(page, "forgot-refused");
  await fill(page, "Email address", newAddress());
  await press(page, "Send reset link");
  await checkPage(page, "forgot-sent");
  await page.goto(server.at("/reset?token=any"));
  await checkPage(page, "reset");
  await fill(page, "New password", "password");
  await press(page, "Set new password");
  await checkPage(page, "reset-lapsed");
});

testCase("the accessibility check passes on what mails lead to", async (t) => {
  const page = await scenario.openPage(t);
  const email = await register(page, server);
  await signOut(page);
  await page.goto(await mailedLink(server, email, "/verify-email"));
  await checkPage(page, "verify-email");
  await fill(page, "New password", "password");
  await press(page, "Confirm with a new password");
  await checkPage(page, "verify-email-refused");
  await page.goto(server.at("/verify-email?token=any"));
  await checkPage(page, "verify-email-lapsed");
  await page.goto(await mailedLink(server, email, "/not-me"));
  await checkPage(page, "not-me");
  await press(page, "Secure my account");
  await checkPage(page, "not-me-done");
  await page.goto(server.at("/forgot"));
  await fill(page, "Email address", email);
  await press(page, "Send reset link");
  await page.goto(await mailedLink(server, email, "/reset"));
  await fill(page, "New password", "password");
  await press(page, "Set new password");
  await checkPage(page, "reset-refused");
});

testCase("the accessibility check passes on error pages", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(server.at("/account/nothing"));
  await page.goto(server.at("/login?return_to=https://evil.example"));
  await checkPage(page, "problem-return-to");
  await page.goto(server.at("/login"));
  await page.context().clearCookies();
  await fillSignIn(page, "ada@example.com");
  await checkPage(page, "problem-form-expired");
  await register(page, server);
  await page.goto(server.at("/account/nothing"));
  await checkPage(page, "problem-not-found");
  await page.goto(server.at("/admin"));
  await checkPage(page, "problem-forbidden");
});

testCase("the check finds a page that is hard to read or to use", async (t) => {
  const page = await scenario.openPage(t);
  await page.goto(server.at("/login"));
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
  const found = await checkPage(page, "self-test").then(
    () => "nothing",
    (error) => error.message,
  );
  for (const rule of [/image-alt/, /label: /, /color-contrast/, /target-size/, /wider than its window/]) assert.match(found, rule);
});
