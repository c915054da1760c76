// The README's pictures. The rule: they show a service that could be anybody's, with names that never change. Its day of history
// takes another clock (libfaketime) and some seconds: it is made where the pictures are to be kept.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pictures } from "./axe.js";
import { PASSWORD, fillSignIn, signIn } from "./person.js";
import { proves, setStage } from "./stage.js";

const LARGEST = 120 * 1024;
const DEVICES = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
];
const NAMES = ["ada", "alan", "barbara", "donald", "edsger", "frances", "john", "katherine", "linus", "margaret", "niklaus"];
const folder = process.env.KEYWARD_SCREENSHOTS || join(pictures, "readme");
const otherClock = process.env.KEYWARD_SCREENSHOTS && process.env.KEYWARD_TEST_FAKETIME;

const stage = await setStage({ "session.max_per_user": 3 });
const { house } = stage;
await mkdir(folder, { recursive: true });

async function take(page, name) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  assert.ok((await stat(path)).size < LARGEST, `${name}.png is too large`);
}

async function call(path, body) {
  const answer = await fetch(house.at(`/api/v1/auth${path}`), {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": DEVICES[0] },
    body: JSON.stringify(body),
  });
  return answer.json();
}

// An hour of a service: people come by day, some of them mistype, most of them stay.
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
    await house.restart({ LD_PRELOAD: otherClock, FAKETIME: `-${ago}h` });
    await anHour((now - ago + 24) % 24);
  }
  await house.restart();
}

proves("the README's pictures are up to date and small", async (t) => {
  const visitor = await stage.sitDown(t, { userAgent: DEVICES[0] });
  for (const name of [...NAMES, "grace"]) {
    const role = name === "grace" ? "admin" : "user";
    const create = ["user", "create", `${name}@example.com`, "--role", role, "--email-verified", "--password-stdin"];
    await house.operate(create, `${PASSWORD}\n`);
  }

  await visitor.goto(house.at("/login"));
  await take(visitor, "login");
  await visitor.emulateMedia({ colorScheme: "dark" });
  await take(visitor, "login-dark");
  await visitor.emulateMedia({ colorScheme: "light" });
  await visitor.goto(house.at("/register"));
  await visitor.getByLabel("Email address").fill("ada@example.com");
  await visitor.getByLabel("Name (optional)").fill("Ada Lovelace");
  await visitor.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await visitor.getByText("This is a good password.").waitFor();
  await take(visitor, "register");

  if (otherClock) await aDay();
  for (const userAgent of DEVICES.slice(1)) await signIn(await stage.sitDown(t, { userAgent }), house, "ada@example.com");
  await signIn(visitor, house, "ada@example.com");
  await visitor.goto(house.at("/account/sessions"));
  await take(visitor, "account");

  const desk = await stage.sitDown(t, { userAgent: DEVICES[0] });
  await desk.goto(house.at("/login"));
  await fillSignIn(desk, "grace@example.com");
  await desk.goto(house.at("/admin"));
  await take(desk, "admin");
});
