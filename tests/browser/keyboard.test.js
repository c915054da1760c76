// The keyboard alone. The rule: everything that a pointer can do can be done with Tab, Enter and Space, in reading order, and the focus
// is visible at every stop.

import assert from "node:assert/strict";
import { PASSWORD, heading, navigate, place, register, said, signIn, signOut } from "./user.js";
import { openScenario, testWithAndWithoutScripts } from "./scenario.js";

const scenario = await openScenario();

// The element that has the focus: its accessible name, and whether the focus is visible.
const standing = (page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    const box = at.getBoundingClientRect();
    return {
      name: (at.labels?.[0] ?? at).innerText.replace(/\s+/g, " ").trim(),
      outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      inView:
        box.width > 0 && box.height > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth,
      isBody: at === document.body,
    };
  });

// Presses Tab until an element of that name has the focus.
async function tabTo(page, name) {
  const passed = [];
  for (let stops = 0; stops < 40; stops += 1) {
    await page.keyboard.press("Tab");
    const at = await standing(page);
    if (at.isBody) break;
    assert.ok(at.outlined, `the focus can't be seen at “${at.name}”`);
    assert.ok(at.inView, `the focus is out of sight at “${at.name}”`);
    passed.push(at.name);
    if (at.name === name || (name instanceof RegExp && name.test(at.name))) return;
  }
  assert.fail(`Tab does not come to ${name}: ${passed.join(", ")}`);
}

const type = (page, text) => page.keyboard.type(text);
const enter = (page) => navigate(page, () => page.keyboard.press("Enter"));
const space = (page) => navigate(page, () => page.keyboard.press("Space"));

testWithAndWithoutScripts(
  "somebody signs in, changes a name, ends a session and signs out without a pointer",
  async (t, scripts) => {
    const [page, other] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
    const email = await register(other, scenario.server);

    await page.goto(scenario.server.at("/login"));
    await tabTo(page, "Email address");
    await type(page, email);
    await tabTo(page, "Password");
    await type(page, PASSWORD);
    await enter(page);
    assert.equal(place(page), "/account");

    await tabTo(page, "Name");
    await type(page, "Ada Lovelace");
    await tabTo(page, "Save");
    await space(page);
    assert.equal(await said(page), "Saved.");
    assert.equal(await page.getByLabel("Name").inputValue(), "Ada Lovelace");

    await tabTo(page, "Devices and sessions");
    await enter(page);
    assert.equal(await heading(page), "Devices and sessions");
    await tabTo(page, /^End session –/);
    await space(page);
    assert.equal(await said(page), "The session has ended.");
    await other.reload();
    assert.equal(place(other), "/login");

    await tabTo(page, "Sign out");
    await enter(page);
    assert.equal(await said(page), "You are signed out.");
  },
);

testWithAndWithoutScripts("the first stop skips the navigation", async (t, scripts) => {
  const page = await scenario.openPage(t, scripts);
  await register(page, scenario.server);
  await page.goto(scenario.server.at("/account"));
  await page.keyboard.press("Tab");
  assert.equal((await standing(page)).name, "Skip to the content");
  assert.ok((await standing(page)).inView);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest("main") !== null));
});

testWithAndWithoutScripts("an administrator locks a user out without a pointer", async (t, scripts) => {
  const [user, desk] = [await scenario.openPage(t, scripts), await scenario.openPage(t, scripts)];
  const email = await register(user, scenario.server);
  const boss = `boss.${email}`;
  await scenario.server.operate(["user", "create", boss, "--role", "admin", "--password-stdin"], `${PASSWORD}\n`);
  await signIn(desk, scenario.server, boss);
  await tabTo(desk, "Administration");
  await enter(desk);
  await tabTo(desk, "Users");
  await enter(desk);
  await tabTo(desk, "Search");
  await type(desk, email);
  await enter(desk);
  await tabTo(desk, email);
  await enter(desk);
  await tabTo(desk, "Lock out");
  await desk.keyboard.press("Space");
  await tabTo(desk, "Yes, lock this user out.");
  await desk.keyboard.press("Space");
  await tabTo(desk, "Lock out");
  await enter(desk);
  assert.equal(await said(desk), "The user is locked out.");
  await signOut(desk);
});
