// Other origins on this machine. The rule: they share nothing with the server. Each is an application that users sign in to, a
// malicious site, or the proxy that terminates TLS.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

function closed(server) {
  server.closeAllConnections();
  return new Promise((done) => server.close(done));
}

// Serves `pages`, HTML by path.
export async function openOtherSite(pages = {}) {
  const server = http.createServer((request, answer) => {
    const page = pages[new URL(request.url, "http://other.example").pathname];
    answer.writeHead(page ? 200 : 404, { "Content-Type": "text/html; charset=utf-8" });
    answer.end(`<!DOCTYPE html><html lang="en"><link rel="icon" href="data:,"><title>Other site</title>${page ?? "nothing"}`);
  });
  const port = await listening(server);
  return {
    pages,
    origin: `http://127.0.0.1:${port}`,
    // The same server under a host name that is another site, not only another origin.
    crossSiteOrigin: `http://localhost:${port}`,
    close: () => closed(server),
  };
}

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "keyward-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-days", "1", ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return made;
}

// Terminates TLS and forwards every request to `target`. The target is set later, because the server's settings need the proxy's
// origin first.
export async function openTlsProxy() {
  const proxy = { target: undefined };
  const server = https.createServer(certificate(), (request, answer) => {
    const { hostname: host, port } = new URL(`http://${proxy.target}`);
    const headers = { ...request.headers, "x-forwarded-for": request.socket.remoteAddress };
    const onward = http.request({ host, port, method: request.method, path: request.url, headers }, (reply) => {
      answer.writeHead(reply.statusCode, reply.rawHeaders);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    request.pipe(onward);
  });
  proxy.origin = `https://localhost:${await listening(server)}`;
  proxy.close = () => closed(server);
  return proxy;
}
