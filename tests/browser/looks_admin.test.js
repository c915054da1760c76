// How the pages of the administration look, and whether everybody can use them.

import { judge } from "./axe.js";
import { PASSWORD, fill, follow, press, register, signIn } from "./person.js";
import { proves, setStage } from "./stage.js";

const stage = await setStage({
  // On, so that they are shown, and out of the way.
  "limits.enabled": true,
  "limits.sign_in_per_address": "1000/1s",
  "limits.register_per_address": "1000/1s",
});
const { house } = stage;
const BOSS = "boss@example.com";
await house.operate(["user", "create", BOSS, "--role", "admin", "--name", "The Boss", "--password-stdin"], `${PASSWORD}\n`);

async function atTheDesk(t) {
  const desk = await stage.sitDown(t);
  await signIn(desk, house, BOSS);
  return desk;
}

proves("everybody can read and use the overview, the log and the signing keys", async (t) => {
  const desk = await atTheDesk(t);
  for (const range of ["day", "month"]) {
    await desk.goto(house.at(`/admin?range=${range}`));
    await desk.getByText("The numbers").click();
    await judge(desk, `admin-overview-${range}`);
  }
  await desk.goto(house.at("/admin/audit"));
  await judge(desk, "admin-audit");
  await press(desk, "Verify the chain");
  await judge(desk, "admin-audit-verified");
  await desk.goto(house.at("/admin/keys"));
  await judge(desk, "admin-keys");
  await press(desk, "Rotate keys");
  await judge(desk, "admin-keys-refused");
});

proves("everybody can read and use the users", async (t) => {
  const [desk, user] = [await atTheDesk(t), await stage.sitDown(t)];
  const email = await register(user, house, { name: "Ada Lovelace" });
  await user.goto(house.at("/account/keys"));
  await fill(user, "What it is for", "nightly backup");
  await press(user, "Make key");
  await register(await stage.sitDown(t), house, { email: `${"long".repeat(15)}@long.example.com`, name: "Long".repeat(20) });
  await desk.goto(house.at("/admin/users"));
  await judge(desk, "admin-users");
  await fill(desk, "Search", "nobody");
  await press(desk, "Show");
  await judge(desk, "admin-users-none");
  await desk.locator("#email").fill("no address");
  await press(desk, "Invite");
  await judge(desk, "admin-users-refused");
  await desk.goto(house.at("/admin/users"));
  await follow(desk, email);
  await judge(desk, "admin-user");
  for (const summary of await desk.locator("summary").all()) await summary.click();
  await desk.locator("#name").fill("x".repeat(300));
  await judge(desk, "admin-user-open");
  await press(desk, "Save");
  await judge(desk, "admin-user-refused");
});
