// The two external modules: browser automation and accessibility rules. The rule: scripts/test-browser.sh installs them outside of the
// source tree, and only this file knows where.

import { createRequire } from "node:module";

const folder = process.env.KEYWARD_BROWSER_MODULES;
if (!folder) throw new Error("run scripts/test-browser.sh: it installs what these tests need");
const require = createRequire(`${folder}/`);

export const { chromium } = require("playwright-core");
export const { source: axeSource } = require("axe-core");
