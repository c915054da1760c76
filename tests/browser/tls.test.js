// Behind a proxy that terminates TLS, as in production. The rule: cookies are bound to the host and sent over TLS only, and everything
// else works as it does without TLS.

import assert from "node:assert/strict";
import { after } from "node:test";
import { mailedLink } from "./mail.js";
import { openTlsProxy } from "./other_site.js";
import { fillSignIn, follow, place, press, register, said, sessions, signOut } from "./user.js";
import { openScenario, testWithAndWithoutScripts } from "./scenario.js";

const proxy = await openTlsProxy();
after(() => proxy.close());
const scenario = await openScenario({
  "server.public_url": proxy.origin,
  "server.trusted_proxies": '["127.0.0.0/8"]',
});
proxy.target = scenario.server.bind;

testWithAndWithoutScripts("over TLS cookies belong to this host only, and a user signs in and out", async (t, scripts) => {
  const page = await scenario.openPage(t, { ...scripts, ignoreHTTPSErrors: true });
  const email = await register(page, scenario.server);
  const link = await mailedLink(scenario.server, email, "/verify-email");
  assert.ok(link.startsWith(`${proxy.origin}/`), link);
  await page.goto(link);
  await press(page, "Confirm");
  assert.equal(await said(page), "Your email address is confirmed.");
  await signOut(page);
  await fillSignIn(page, email);
  const cookies = await page.context().cookies();
  const names = ["__Host-kw_access", "__Host-kw_device", "__Host-kw_refresh", "__Host-kw_visitor"];
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), names);
  assert.ok(cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/"));
  assert.equal((await sessions(page, scenario.server)).length, 1);
  await page.context().clearCookies({ name: "__Host-kw_access" });
  await follow(page, "Profile");
  assert.equal(place(page), "/account");
  await signOut(page);
  assert.equal(await said(page), "You are signed out.");
  await page.goto(scenario.server.at("/account"));
  assert.equal(place(page), "/login");
});
