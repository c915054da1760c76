// The administration pages: screenshots and accessibility. The rule: each state of each page passes the accessibility check.

import { checkPage } from "./axe.js";
import { PASSWORD, fill, follow, press, register, signIn } from "./user.js";
import { openScenario, testCase } from "./scenario.js";

const scenario = await openScenario({
  // The limits are on, so that the overview shows them, and high enough to refuse nothing.
  "limits.enabled": true,
  "limits.sign_in_per_address": "1000/1s",
  "limits.register_per_address": "1000/1s",
});
const { server } = scenario;
const BOSS = "boss@example.com";
await server.operate(["user", "create", BOSS, "--role", "admin", "--name", "The Boss", "--password-stdin"], `${PASSWORD}\n`);

async function openAdministration(t) {
  const desk = await scenario.openPage(t);
  await signIn(desk, server, BOSS);
  return desk;
}

testCase("the accessibility check passes on the overview, the log and the signing keys", async (t) => {
  const desk = await openAdministration(t);
  for (const range of ["day", "month"]) {
    await desk.goto(server.at(`/admin?range=${range}`));
    await desk.getByText("Show as table").click();
    await checkPage(desk, `admin-overview-${range}`);
  }
  await desk.goto(server.at("/admin/audit"));
  await checkPage(desk, "admin-audit");
  await press(desk, "Verify integrity");
  await checkPage(desk, "admin-audit-verified");
  await desk.goto(server.at("/admin/keys"));
  await checkPage(desk, "admin-keys");
  await press(desk, "Rotate keys");
  await checkPage(desk, "admin-keys-refused");
});

testCase("the accessibility check passes on the users", async (t) => {
  const [desk, user] = [await openAdministration(t), await scenario.openPage(t)];
  const email = await register(user, server, { name: "Ada Lovelace" });
  await user.goto(server.at("/account/keys"));
  await fill(user, "Name", "nightly backup");
  await press(user, "Create key");
  await register(await scenario.openPage(t), server, { email: `${"long".repeat(15)}@long.example.com`, name: "Long".repeat(20) });
  await desk.goto(server.at("/admin/users"));
  await checkPage(desk, "admin-users");
  await fill(desk, "Search", "nobody");
  await press(desk, "Apply filters");
  await checkPage(desk, "admin-users-none");
  await desk.locator("#email").fill("no address");
  await press(desk, "Invite");
  await checkPage(desk, "admin-users-refused");
  await desk.goto(server.at("/admin/users"));
  await follow(desk, email);
  await checkPage(desk, "admin-user");
  for (const summary of await desk.locator("summary").all()) await summary.click();
  await desk.locator("#name").fill("x".repeat(300));
  await checkPage(desk, "admin-user-open");
  await press(desk, "Save");
  await checkPage(desk, "admin-user-refused");
});
