// What a file of tests stands on: one server and one browser for all of it, and for each test people who know nothing of others.

import { after, test } from "node:test";
import { launch, sitDown } from "./browser.js";
import { House } from "./house.js";

// Long enough for a machine that does three other things; a test that waits that long is broken.
const PATIENCE = { timeout: 90_000 };

export async function setStage(settings = {}) {
  const [house, browser] = await Promise.all([House.open(settings), launch()]);
  after(() => Promise.all([house.close(), browser.close()]));
  return { house, browser, sitDown: (t, options) => sitDown(browser, t, house, options) };
}

export const proves = (name, body) => test(name, PATIENCE, body);

// Everything works without a script. `body` gets the options of a browser that runs them, and of one that does not.
export function provesWithAndWithoutScripts(name, body) {
  proves(`${name}, with scripts`, (t) => body(t, { javaScriptEnabled: true }));
  proves(`${name}, without scripts`, (t) => body(t, { javaScriptEnabled: false }));
}
