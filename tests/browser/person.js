// What people do: they read headings, fill in what labels name, and press buttons. The rule: nothing is found by how the page is
// built, so that what a test can do, somebody who sees or hears the page can do, too.

import assert from "node:assert/strict";

export const PASSWORD = "violet kettle 41 harbour";

let people = 0;

// An address that nobody else in this process has.
export const newAddress = (name = "ada") => `${name}.${(people += 1)}@example.com`;

export const heading = (page) => page.getByRole("heading", { level: 1 }).innerText();
export const said = (page) => page.getByRole("status").innerText();
export const complaint = (page) => page.getByRole("alert").innerText();
export const place = (page) => new URL(page.url()).pathname;
const button = (page, name) => page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });

// Does what leads to another page, and gives the last answer on the way there.
export async function led(page, doing) {
  const [answer] = await Promise.all([page.waitForNavigation(), doing()]);
  return answer;
}

export const press = (within, name, page = within) => led(page, () => button(within, name).click());
export const follow = (page, name) => led(page, () => page.getByRole("link", { name, exact: true }).click());
export const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

export async function register(page, house, { email = newAddress(), password = PASSWORD, name = "" } = {}) {
  await page.goto(house.at("/register"));
  await fill(page, "Email address", email);
  await fill(page, "Name (optional)", name);
  await fill(page, "Password", password);
  await press(page, "Create account");
  assert.equal(place(page), "/account");
  return email;
}

export async function fillSignIn(page, email, password = PASSWORD) {
  await fill(page, "Email address", email);
  await fill(page, "Password", password);
  return press(page.getByRole("main"), "Sign in", page);
}

export async function signIn(page, house, email, password = PASSWORD) {
  await page.goto(house.at("/login"));
  await fillSignIn(page, email, password);
  assert.equal(place(page), "/account");
}

export const signOut = (page) => press(page.getByRole("banner"), "Sign out", page);

// The list of sessions: one text each.
export async function sessions(page, house) {
  await page.goto(house.at("/account/sessions"));
  return page.getByRole("main").getByRole("listitem").allInnerTexts();
}
