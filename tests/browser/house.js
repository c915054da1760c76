// A server. The rule: it has a folder and a port of its own, nothing of its surroundings reaches it, and it ends with the process
// that started it, however that ends.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
const program = process.env.KEYWARD_BIN ?? join(target, "debug", "keyward");

// The shell becomes the server; what stays beside it ends the server when the pipe from this process closes.
const tied = 'exec 3<&0; { cat <&3; kill -TERM $$; } >/dev/null 2>&1 & exec "$@" 3<&- </dev/null';

export async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

// Settings are keys of the configuration: { "pages.language": "en" }.
function environment(settings) {
  const env = { PATH: process.env.PATH, TMPDIR: tmpdir() };
  for (const [key, value] of Object.entries(settings)) {
    env[`KEYWARD__${key.toUpperCase().replace(".", "__")}`] = String(value);
  }
  return env;
}

// Nobody waits for hashes, and nobody is slowed down.
const quick = {
  "limits.enabled": false,
  "password.memory_kib": 64,
  "password.iterations": 1,
  "log.level": "error",
};

export class House {
  static async open(settings = {}) {
    const folder = await mkdtemp(join(tmpdir(), "keyward-house-"));
    await mkdir(join(folder, "mail"));
    // Between finding a port and taking it somebody else may have it: then another is tried.
    for (let left = 4; ; left -= 1) {
      const house = new House(folder, await freePort(), settings);
      try {
        await house.#start();
        return house;
      } catch (error) {
        if (left > 0 && /in use/i.test(error.message)) continue;
        await rm(folder, { recursive: true });
        throw error;
      }
    }
  }

  #server;

  constructor(folder, port, settings) {
    this.folder = folder;
    this.mail = join(folder, "mail");
    this.bind = `127.0.0.1:${port}`;
    this.origin = settings["server.public_url"] ?? `http://${this.bind}`;
    this.env = environment({ ...quick, "server.public_url": this.origin, ...settings });
  }

  at(place) {
    return this.origin + place;
  }

  async #start(more = {}) {
    const serve = [program, "serve", "--bind", this.bind, "--data-dir", this.folder];
    this.#server = spawn("sh", ["-c", tied, "sh", ...serve], {
      cwd: this.folder,
      env: { ...this.env, ...more },
      stdio: ["pipe", "ignore", "pipe"],
      // Ctrl-C is for the tests, which end this.
      detached: true,
    });
    this.#server.stdin.on("error", () => {});
    this.setupLink = undefined;
    const said = [];
    await new Promise((listening, failed) => {
      this.#server.once("error", failed);
      this.#server.once("exit", (code) => failed(new Error(`keyward ended with ${code}: ${said.join("\n")}`)));
      createInterface({ input: this.#server.stderr }).on("line", (line) => {
        said.push(line);
        const [, token] = line.match(/set-up token: (\S+)/) ?? [];
        if (token) this.setupLink = this.at(`/setup?token=${token}`);
        if (line.startsWith("listening on ")) listening();
        if (line.startsWith("{")) console.error(line);
      });
    });
  }

  // What the program answers, as an operator types it beside the running server.
  async operate(args, input = "") {
    const child = execFile(program, [...args, "--data-dir", this.folder], { cwd: this.folder, env: this.env });
    // A command that reads nothing may have ended by now. How it went is in its exit code.
    child.stdin.on("error", (error) => {
      if (error.code !== "EPIPE") throw error;
    });
    child.stdin.end(input);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`keyward ${args.join(" ")} ended with ${code}: ${said}`);
    return said;
  }

  async #stop() {
    const ended = this.#server.exitCode ?? once(this.#server, "exit");
    this.#server.stdin.end();
    await ended;
  }

  // With more in its environment, such as another clock.
  async restart(more) {
    await this.#stop();
    await this.#start(more);
  }

  async close() {
    await this.#stop();
    await rm(this.folder, { recursive: true });
  }
}
