// The two modules of others: a browser's remote control and the rules of accessibility. The rule: they lie outside of the source
// tree, where scripts/test-browser.sh put them, and this is the one file that knows it.

import { createRequire } from "node:module";

const folder = process.env.KEYWARD_BROWSER_MODULES;
if (!folder) throw new Error("run scripts/test-browser.sh: it installs what these tests need");
const require = createRequire(`${folder}/`);

export const { chromium } = require("playwright-core");
export const { source: axeSource } = require("axe-core");
