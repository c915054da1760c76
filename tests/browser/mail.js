// The mail. The rule: a mail is read as it was written to disk (quoted-printable), and the test waits for the folder to change instead
// of polling it.

import { watch } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const PATIENCE = 15_000;

function decoded(text) {
  const joined = text.replace(/=\r?\n/g, "");
  return joined.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

async function linkIn(file, to, place) {
  const text = await readFile(file, "latin1");
  if (!text.includes(`\nTo: ${to}\r\n`) && !text.includes(`\nTo: ${to}\n`)) return undefined;
  return decoded(text).match(new RegExp(`^https?://\\S+${place}\\?token=\\S+`, "m"))?.[0];
}

// The newest link to a page (/reset, /verify-email, /not-me) that was sent to an email address.
export async function mailedLink(server, to, place) {
  const patience = AbortSignal.timeout(PATIENCE);
  const news = new EventTarget();
  const watcher = watch(server.mail, { signal: patience }, () => news.dispatchEvent(new Event("news")));
  watcher.on("error", () => {});
  try {
    for (;;) {
      const change = new Promise((resolve, reject) => {
        news.addEventListener("news", resolve, { once: true });
        patience.addEventListener("abort", () => reject(new Error(`no mail to ${to} with a link to ${place}`)));
      });
      change.catch(() => {});
      // A file's name is the mail's id, which begins with the time.
      const names = (await readdir(server.mail))
        .filter((name) => name.endsWith(".eml"))
        .sort()
        .reverse();
      for (const name of names) {
        const link = await linkIn(join(server.mail, name), to, place);
        if (link) return link;
      }
      await change;
    }
  } finally {
    watcher.close();
  }
}
