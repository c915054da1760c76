// Behind a proxy that ends TLS, as in production. The rule: cookies are bound to the host and go over TLS alone, and everything else
// is as it is without.

import assert from "node:assert/strict";
import { after } from "node:test";
import { mailedLink } from "./mail.js";
import { openTlsProxy } from "./neighbour.js";
import { fillSignIn, follow, place, press, register, said, sessions, signOut } from "./person.js";
import { provesWithAndWithoutScripts, setStage } from "./stage.js";

const proxy = await openTlsProxy();
after(() => proxy.close());
const stage = await setStage({
  "server.public_url": proxy.origin,
  "server.trusted_proxies": '["127.0.0.0/8"]',
});
proxy.target = stage.house.bind;

provesWithAndWithoutScripts("over TLS cookies are this host's alone, and somebody signs in and out", async (t, scripts) => {
  const page = await stage.sitDown(t, { ...scripts, ignoreHTTPSErrors: true });
  const email = await register(page, stage.house);
  const link = await mailedLink(stage.house, email, "/verify-email");
  assert.ok(link.startsWith(`${proxy.origin}/`), link);
  await page.goto(link);
  await press(page, "Confirm");
  assert.equal(await said(page), "Your address is confirmed.");
  await signOut(page);
  await fillSignIn(page, email);
  const cookies = await page.context().cookies();
  const names = ["__Host-kw_access", "__Host-kw_device", "__Host-kw_refresh", "__Host-kw_visitor"];
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), names);
  assert.ok(cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/"));
  assert.equal((await sessions(page, stage.house)).length, 1);
  await page.context().clearCookies({ name: "__Host-kw_access" });
  await follow(page, "Profile");
  assert.equal(place(page), "/account");
  await signOut(page);
  assert.equal(await said(page), "You are signed out.");
  await page.goto(stage.house.at("/account"));
  assert.equal(place(page), "/login");
});
