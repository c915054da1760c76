// The set-up of a test file: one server and one browser for the file, and separate browser contexts for each test.

import { after, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { TestServer } from "./server.js";

// Long enough for a busy machine. A test that waits this long is broken.
const PATIENCE = { timeout: 90_000 };

export async function openScenario(settings = {}) {
  const [server, browser] = await Promise.all([TestServer.open(settings), launch()]);
  after(() => Promise.all([server.close(), browser.close()]));
  return { server, browser, openPage: (t, options) => openPage(browser, t, server, options) };
}

export const testCase = (name, body) => test(name, PATIENCE, body);

// Every page works without scripts. `body` gets the options of a browser that runs scripts, and of one that does not.
export function testWithAndWithoutScripts(name, body) {
  testCase(`${name}, with scripts`, (t) => body(t, { javaScriptEnabled: true }));
  testCase(`${name}, without scripts`, (t) => body(t, { javaScriptEnabled: false }));
}
