// The accessibility check. The rule: no page breaks a rule of WCAG 2.2 AA or of good practice that a program can check, in light and
// dark mode, on a desktop and on a phone, and no page is wider than its window.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { axeSource } from "./modules.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

export const screenshots =
  process.env.KEYWARD_BROWSER_SCREENSHOTS ?? fileURLToPath(new URL("../../target/browser/screenshots", import.meta.url));
await mkdir(screenshots, { recursive: true });

// Axe is injected from outside, as a debugger would do it, so the page's content security policy stays in force.
async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const found = await page.evaluate((values) => axe.run(document, { runOnly: values, resultTypes: ["violations"] }), TAGS);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}`).join("\n")}`);
}

// Checks the page as it is, and saves screenshots of it under this name. One failure lists everything that is wrong.
export async function checkPage(page, name) {
  const wrong = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      const where = `${name}, ${colorScheme}, ${size}`;
      wrong.push(...(await violations(page)).map((one) => `${where}: ${one}`));
      const wide = await page.evaluate(() => {
        const root = document.documentElement;
        return root.scrollWidth > root.clientWidth && `${root.scrollWidth} > ${root.clientWidth}`;
      });
      if (wide) wrong.push(`${where}: the page is wider than its window, ${wide}`);
      await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}-${size}.png`), fullPage: true });
    }
  }
  await page.setViewportSize(SIZES.desk);
  assert.deepEqual(wrong, [], wrong.join("\n"));
}
