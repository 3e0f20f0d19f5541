import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { freePort } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { bucketAt, completeInput, nginxFacts, renderShipped } from "./world.ts";

test("nginx serves files, web, streaming and media as Mastodon needs", async () => {
  await using folder = await temporaryFolder("nginx");
  await using web = await upstream("web");
  await using streaming = await upstream("streaming");
  await using s3 = await upstream("s3");
  const port = await freePort();
  await writeAt(folder.file("mastodon", "public", "sw.js"), "worker");
  await writeAt(folder.file("mastodon", "public", "packs", "app.js"), "app");
  await writeAt(folder.file("mastodon", "public", "ocr", "core.js"), "ocr");
  await writeFile(folder.file("mastodon", "public", "packs", "app.js.gz"), gzipSync("app, packed"));
  await writeAt(folder.file("acme", ".well-known", "acme-challenge", "token"), "proof");
  const input = completeInput(folder.path, {
    s3: bucketAt(`http://${s3.address}`),
    nginx: {
      ...nginxFacts(folder.path),
      web: web.address,
      streaming: streaming.address,
      http: [`127.0.0.1:${port}`],
    },
  });
  await writeFile(folder.file("nginx.conf"), await renderShipped("nginx.conf.hbs", input));
  const argv = ["-c", folder.file("nginx.conf"), "-e", folder.file("error.log"), "-g", "daemon off;"];
  await using _ = await start(program("nginx"), argv);
  const get = (path: string, host = "example.org", method = "GET") => ask(port, path, { host }, method);
  await until("nginx to answer", () => get("/"));

  expect(await get("/about")).toMatchObject({ body: "web GET /about example.org" });
  expect(await get("/sw.js")).toMatchObject({
    body: "worker",
    headers: { "cache-control": "public, max-age=604800, must-revalidate" },
  });
  expect(await get("/packs/app.js")).toMatchObject({
    body: "app",
    headers: { "content-type": "text/javascript" },
  });
  expect(await ask(port, "/packs/app.js", { host: "example.org", "accept-encoding": "gzip" })).toMatchObject({
    body: gzipSync("app, packed").toString(),
    headers: { "content-encoding": "gzip" },
  });
  expect(await get("/ocr/core.js")).toMatchObject({
    body: "ocr",
    headers: { "cache-control": "public, max-age=2419200, must-revalidate" },
  });
  expect(await get("/packs/none.js")).toMatchObject({ status: 404 });
  expect(await get("/api/v1/streaming/health")).toMatchObject({
    body: "streaming GET /api/v1/streaming/health example.org",
  });
  for (const host of ["example.org", "files.example.org"]) {
    expect(await get("/.well-known/acme-challenge/token", host)).toMatchObject({ body: "proof" });
  }

  const media = await get("/a/b.png?acl", "files.example.org");
  expect(media).toMatchObject({ status: 200, body: `s3 GET /mastodon/a/b.png ${s3.address}` });
  expect(media.headers).not.toHaveProperty("x-amz-request-id");
  expect(media.headers).not.toHaveProperty("set-cookie");
  expect(media.headers).not.toHaveProperty("strict-transport-security");
  expect(media.headers["x-cache-status"]).toBe("MISS");
  expect((await get("/a/b.png", "files.example.org")).headers["x-cache-status"]).toBe("HIT");
  expect(await get("/", "files.example.org")).toMatchObject({ status: 404 });
  for (const method of ["POST", "PUT", "DELETE"]) {
    expect(await get("/a/b.png", "files.example.org", method)).toMatchObject({ status: 403 });
  }
});

async function writeAt(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function ask(port: number, path: string, headers: OutgoingHttpHeaders, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers }, async (incoming) => {
      const body = (await incoming.setEncoding("utf8").toArray()).join("");
      resolve({ status: incoming.statusCode, headers: incoming.headers, body });
    });
    outgoing.once("error", reject).end();
  });
}

/** A server that says who it is and what it was asked for. */
async function upstream(name: string): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer(({ method, url, headers }, response) => {
    response.writeHead(200, { "x-amz-request-id": "1", "set-cookie": "a=b", "cache-control": "max-age=60" });
    response.end(`${name} ${method} ${url} ${headers.host}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${portOf(server.address())}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
