// The actions of a user: they read headings, fill in labelled fields, and press buttons. The rule: elements are found by role and label,
// never by markup, so that everything a test does can be done by a user who sees or hears the page.

import assert from "node:assert/strict";

export const PASSWORD = "violet kettle 41 harbour";

let people = 0;

// An email address that is unique in this process.
export const newAddress = (name = "ada") => `${name}.${(people += 1)}@example.com`;

export const heading = (page) => page.getByRole("heading", { level: 1 }).innerText();
export const said = (page) => page.getByRole("status").innerText();
export const complaint = (page) => page.getByRole("alert").innerText();
export const place = (page) => new URL(page.url()).pathname;
const button = (page, name) => page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });

// Runs an action that leads to another page, and returns the last response on the way there.
export async function navigate(page, doing) {
  const [answer] = await Promise.all([page.waitForNavigation(), doing()]);
  return answer;
}

export const press = (within, name, page = within) => navigate(page, () => button(within, name).click());
export const follow = (page, name) => navigate(page, () => page.getByRole("link", { name, exact: true }).click());
export const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

export async function register(page, server, { email = newAddress(), password = PASSWORD, name = "" } = {}) {
  await page.goto(server.at("/register"));
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

export async function signIn(page, server, email, password = PASSWORD) {
  await page.goto(server.at("/login"));
  await fillSignIn(page, email, password);
  assert.equal(place(page), "/account");
}

export const signOut = (page) => press(page.getByRole("banner"), "Sign out", page);

// The texts of the listed sessions.
export async function sessions(page, server) {
  await page.goto(server.at("/account/sessions"));
  return page.getByRole("main").getByRole("listitem").allInnerTexts();
}
