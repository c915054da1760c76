// The browser. The rule: in every test the pages violate no content security policy, report no error, and load nothing from another
// origin; a test that expects otherwise says so.

import assert from "node:assert/strict";
import { chromium } from "./modules.js";

const PATIENCE = 10_000;

// `remembersPages`: whether going back shows a page as it was left (the back/forward cache). Users' browsers do this; a test's browser
// does so only when asked.
export const launch = ({ remembersPages = false } = {}) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    ignoreDefaultArgs: remembersPages ? ["--disable-back-forward-cache"] : [],
    args: [
      ...(remembersPages ? ["--enable-features=BackForwardCache,CacheControlNoStoreEnterBackForwardCache"] : []),
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

// Chromium logs each response with a status of 400 or more as an error. The test asked for that response.
const isAnswer = (text) => text.startsWith("Failed to load resource: the server responded with a status of");

// Opens a browser context of its own with one tab. `elsewhere`: the origins that it may reach besides the server's.
export async function openPage(browser, t, server, { elsewhere = [], ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    // Without animations an element is at its final place at once.
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const faults = [];
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  context.on("request", (request) => {
    const { origin } = new URL(request.url());
    if (origin !== server.origin && !elsewhere.includes(origin)) faults.push(`asked for ${request.url()}`);
  });
  context.on("weberror", (error) => faults.push(`script: ${error.error()}`));
  context.on("console", (message) => {
    const isFault = ["error", "warning"].includes(message.type()) && !isAnswer(message.text());
    if (isFault) faults.push(`console: ${message.text()}`);
  });
  context.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, [], "the pages reported faults");
  });
  const page = await context.newPage();
  page.faults = faults;
  return page;
}
