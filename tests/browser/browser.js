// The browser, and who sits in front of it. The rule: whatever a test is about, its pages break no policy, say no error, and load
// nothing from elsewhere; a test that expects otherwise says so.

import assert from "node:assert/strict";
import { chromium } from "./modules.js";

const PATIENCE = 10_000;

// `remembersPages`: whether going back shows a page as it was left, as browsers of people do; a test's browser does not on its own.
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

// Chromium says of each answer from 400 on that it was one: that is what the test asked for.
const isAnswer = (text) => text.startsWith("Failed to load resource: the server responded with a status of");

// A browser of its own, with one tab. `elsewhere`: the origins that it may reach beside the server's.
export async function sitDown(browser, t, house, { elsewhere = [], ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    // What slides in is where it will be.
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
    if (origin !== house.origin && !elsewhere.includes(origin)) faults.push(`asked for ${request.url()}`);
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
    assert.deepEqual(faults, [], "the pages behave");
  });
  const page = await context.newPage();
  page.faults = faults;
  return page;
}
