// A server. The rule: it has a folder and a port of its own, inherits nothing from the environment, and ends with the process that
// started it, however that ends.

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

// The shell becomes the server. A process beside it ends the server when the pipe from this process closes.
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

// Cheap hashes and no limits, so that the tests do not wait.
const quick = {
  "limits.enabled": false,
  "password.memory_kib": 64,
  "password.iterations": 1,
  "log.level": "error",
};

export class TestServer {
  static async open(settings = {}) {
    const folder = await mkdtemp(join(tmpdir(), "keyward-server-"));
    await mkdir(join(folder, "mail"));
    // Another process may take the port between finding it and binding it. Then the next port is tried.
    for (let left = 4; ; left -= 1) {
      const server = new TestServer(folder, await freePort(), settings);
      try {
        await server.#start();
        return server;
      } catch (error) {
        if (left > 0 && /in use/i.test(error.message)) continue;
        await rm(folder, { recursive: true });
        throw error;
      }
    }
  }

  #process;

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
    this.#process = spawn("sh", ["-c", tied, "sh", ...serve], {
      cwd: this.folder,
      env: { ...this.env, ...more },
      stdio: ["pipe", "ignore", "pipe"],
      // Ctrl-C goes to the tests, and they end the server.
      detached: true,
    });
    this.#process.stdin.on("error", () => {});
    this.setupLink = undefined;
    const said = [];
    await new Promise((listening, failed) => {
      this.#process.once("error", failed);
      this.#process.once("exit", (code) => failed(new Error(`keyward ended with ${code}: ${said.join("\n")}`)));
      createInterface({ input: this.#process.stderr }).on("line", (line) => {
        said.push(line);
        const [, token] = line.match(/set-up token: (\S+)/) ?? [];
        if (token) this.setupLink = this.at(`/setup?token=${token}`);
        if (line.startsWith("listening on ")) listening();
        if (line.startsWith("{")) console.error(line);
      });
    });
  }

  // Runs a command as an operator would beside the running server, and returns its output.
  async operate(args, input = "") {
    const child = execFile(program, [...args, "--data-dir", this.folder], { cwd: this.folder, env: this.env });
    // A command that reads nothing may have ended already. Its exit code says whether it succeeded.
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
    const ended = this.#process.exitCode ?? once(this.#process, "exit");
    this.#process.stdin.end();
    await ended;
  }

  // Restarts the server with additional environment variables, such as another clock.
  async restart(more) {
    await this.#stop();
    await this.#start(more);
  }

  async close() {
    await this.#stop();
    await rm(this.folder, { recursive: true });
  }
}
