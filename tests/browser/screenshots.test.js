// The README's screenshots. The rule: they show a neutral service, with names that never change. A day of history needs another clock
// (libfaketime) and some seconds, so it is created only when the screenshots are to be kept.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { screenshots } from "./axe.js";
import { PASSWORD, fillSignIn, signIn } from "./user.js";
import { openScenario, testCase } from "./scenario.js";

const LARGEST = 120 * 1024;
const DEVICES = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
];
const NAMES = ["ada", "alan", "barbara", "donald", "edsger", "frances", "john", "katherine", "linus", "margaret", "niklaus"];
const folder = process.env.KEYWARD_SCREENSHOTS || join(screenshots, "readme");
const otherClock = process.env.KEYWARD_SCREENSHOTS && process.env.KEYWARD_TEST_FAKETIME;

const scenario = await openScenario({ "session.max_per_user": 3 });
const { server } = scenario;
await mkdir(folder, { recursive: true });

async function take(page, name) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  assert.ok((await stat(path)).size < LARGEST, `${name}.png is too large`);
}

async function call(path, body) {
  const answer = await fetch(server.at(`/api/v1/auth${path}`), {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": DEVICES[0] },
    body: JSON.stringify(body),
  });
  return answer.json();
}

// One hour of traffic: more users by day than by night, some mistype their password, most stay signed in.
async function anHour(hour) {
  const people = Math.round(9 + 8 * Math.sin(((hour - 9) * Math.PI) / 12));
  for (let at = 0; at < people; at += 1) {
    const email = `${NAMES[(at + hour) % NAMES.length]}@example.com`;
    if ((at * 7 + hour) % 11 === 0) await call("/login", { email, password: "violet kettle" });
    const tokens = await call("/login", { email, password: PASSWORD });
    for (let more = (at + hour) % 3; more > 0; more -= 1) {
      tokens.refresh_token = (await call("/refresh", { refresh_token: tokens.refresh_token })).refresh_token;
    }
  }
}

async function aDay() {
  const now = new Date().getUTCHours();
  for (let ago = 23; ago > 0; ago -= 1) {
    await server.restart({ LD_PRELOAD: otherClock, FAKETIME: `-${ago}h` });
    await anHour((now - ago + 24) % 24);
  }
  await server.restart();
}

testCase("the README's screenshots are up to date and small", async (t) => {
  const visitor = await scenario.openPage(t, { userAgent: DEVICES[0] });
  for (const name of [...NAMES, "grace"]) {
    const role = name === "grace" ? "admin" : "user";
    const create = ["user", "create", `${name}@example.com`, "--role", role, "--email-verified", "--password-stdin"];
    await server.operate(create, `${PASSWORD}\n`);
  }

  await visitor.goto(server.at("/login"));
  await take(visitor, "login");
  await visitor.emulateMedia({ colorScheme: "dark" });
  await take(visitor, "login-dark");
  await visitor.emulateMedia({ colorScheme: "light" });
  await visitor.goto(server.at("/register"));
  await visitor.getByLabel("Email address").fill("ada@example.com");
  await visitor.getByLabel("Name (optional)").fill("Ada Lovelace");
  await visitor.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await visitor.getByText("This is a good password.").waitFor();
  await take(visitor, "register");

  if (otherClock) await aDay();
  for (const userAgent of DEVICES.slice(1)) await signIn(await scenario.openPage(t, { userAgent }), server, "ada@example.com");
  await signIn(visitor, server, "ada@example.com");
  await visitor.goto(server.at("/account/sessions"));
  await take(visitor, "account");

  const desk = await scenario.openPage(t, { userAgent: DEVICES[0] });
  await desk.goto(server.at("/login"));
  await fillSignIn(desk, "grace@example.com");
  await desk.goto(server.at("/admin"));
  await take(desk, "admin");
});
