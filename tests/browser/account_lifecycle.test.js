// The lifecycle of an account, from its first page to its last. The rule: one walk through the pages in the order in which users
// meet them, and each link in a mail does what the mail says.

import assert from "node:assert/strict";
import { mailedLink } from "./mail.js";
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
  said,
  sessions,
  signIn,
  signOut,
} from "./user.js";
import { openScenario, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();
const NEW_PASSWORD = "copper lantern 12 meadow";

testWithAndWithoutScripts(
  "an account is opened, confirmed, used on two devices, recovered, and locked out",
  async (t, scripts) => {
    const { server } = scenario;
    const [laptop, phone] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];

    await phone.goto(server.at("/"));
    assert.equal(place(phone), "/login");
    await follow(phone, "Create an account");
    const email = await register(phone, server, { name: "Ada" });
    await phone.getByText("not confirmed", { exact: true }).waitFor();

    await phone.goto(await mailedLink(server, email, "/verify-email"));
    assert.equal(await heading(phone), "Confirm your email address");
    await press(phone, "Confirm");
    assert.equal(await said(phone), "Your email address is confirmed.");
    await phone.getByText("confirmed", { exact: true }).waitFor();
    const again = await phone.goto(await mailedLink(server, email, "/verify-email"));
    assert.equal(again.status(), 400);
    assert.equal(await heading(phone), "This link no longer works");

    await signOut(phone);
    assert.equal(await said(phone), "You are signed out.");
    await fillSignIn(phone, email);
    await signIn(laptop, server, email);

    const list = await sessions(laptop, server);
    assert.equal(list.length, 2);
    assert.equal(list.filter((one) => one.includes("this device")).length, 1);
    const other = laptop.getByRole("listitem").filter({ hasText: "last used", hasNotText: "this device" });
    await press(other, /^End/, laptop);
    assert.equal(await said(laptop), "The session has ended.");
    assert.equal((await sessions(laptop, server)).length, 1);
    await follow(phone, "Account");
    assert.equal(place(phone), "/login");
    assert.equal(await said(phone), "Your session has ended. Sign in to continue.");

    await follow(phone, "Forgot your password?");
    await fill(phone, "Email address", email);
    assert.equal((await press(phone, "Send reset link")).status(), 202);
    assert.equal(await heading(phone), "Check your email");
    const reset = await mailedLink(server, email, "/reset");
    await phone.goto(reset);
    await fill(phone, "New password", NEW_PASSWORD);
    await press(phone, "Set new password");
    assert.equal(await said(phone), "Your password is changed. Sign in with it.");
    await navigate(laptop, () => laptop.reload());
    assert.equal(place(laptop), "/login");
    assert.equal((await fillSignIn(laptop, email, PASSWORD)).status(), 401);
    await fillSignIn(phone, email, NEW_PASSWORD);
    assert.equal(place(phone), "/account");
    await laptop.goto(reset);
    await fill(laptop, "New password", PASSWORD);
    await press(laptop, "Set new password");
    assert.equal(await heading(laptop), "This link no longer works");

    const boss = newAddress("boss");
    await server.operate(["user", "create", boss, "--role", "admin", "--password-stdin"], `${PASSWORD}\n`);
    const desk = await scenario.openPage(t, scripts);
    await signIn(desk, server, boss);
    await follow(desk, "Administration");
    await follow(desk, "Users");
    await fill(desk, "Search", email);
    await press(desk, "Apply filters");
    await follow(desk, email);
    assert.equal(await heading(desk), email);
    await desk.getByText("Lock out", { exact: true }).first().click();
    await desk.getByLabel("Yes, lock this user out.").check();
    await press(desk, "Lock out");
    assert.equal(await said(desk), "The user is locked out.");
    await follow(phone, "Devices and sessions");
    assert.equal(place(phone), "/login");
    assert.equal((await fillSignIn(phone, email, NEW_PASSWORD)).status(), 401);
  },
);
