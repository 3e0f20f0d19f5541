/** How nginx finds the object storage, and how it is told of HTTP/2. */

import { mkdir, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { expect, test } from "vitest";
import { hasHttp2Directive, hostsIn, resolversIn } from "../../src/options/nginx.ts";
import { startDns } from "../world/dns.ts";
import { checkNginx, startNginx } from "../world/nginx.ts";
import { freePort } from "../world/ports.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { bucketAt, completeInput, nginxFacts, renderShipped } from "./world.ts";

test("a storage whose name moves is followed without a reload, and one whose name is unknown holds nothing up", async () => {
  await using folder = await temporaryFolder("nginx");
  await mkdir(folder.file("cache"));
  const [port, s3Port] = [await freePort(), await freePort()];
  let address: string | undefined;
  await using dns = await startDns(() => address);
  await using _one = await storage("127.0.0.1", s3Port);
  await using _two = await storage("127.0.0.2", s3Port);
  const configuration = folder.file("nginx.conf");
  const input = completeInput(folder.path, {
    s3: bucketAt(`http://s3.example.test:${s3Port}`, "yes"),
    nginx: {
      ...nginxFacts(folder.path),
      http: [`127.0.0.1:${port}`],
      resolver: [`127.0.0.1:${dns.port}`],
    },
  });
  await writeFile(configuration, await renderShipped("nginx.conf.hbs", input));
  await checkNginx(configuration, folder.path);
  await using _nginx = await startNginx({
    configuration,
    prefix: folder.path,
    ready: `http://127.0.0.1:${port}/sw.js`,
  });
  let number = 0;
  /** Of another object each time: nginx keeps what it was given. */
  const get = (path = `/${++number}.png`) => ask(port, path);
  expect(await get()).toMatch(/^50[024] /);
  address = "127.0.0.1";
  await until("the storage", async () => /^200 127\.0\.0\.1 \/mastodon\/\d+\.png$/.test(await get()));
  address = "127.0.0.2";
  await until("the other", async () => /^200 127\.0\.0\.2 \/mastodon\/\d+\.png$/.test(await get()));
  expect(dns.asked).toContain("s3.example.test");

  const paths = [
    "/a%20b%3Fc.png",
    "/%C3%BC/%25.png",
    "/a%23b",
    "/other-bucket/key%0A",
    "/a/../other-bucket/key",
  ];
  for (const path of paths) expect(await get(`${path}?acl`)).toMatch(/^200 127\.0\.0\.2 \/mastodon\/[^?]+$/);
  expect(await get("/a%20b%3Fc.png")).toBe("200 127.0.0.2 /mastodon/a%20b%3Fc.png");
});

const versions: readonly [string, boolean][] = [
  ["nginx version: nginx/1.22.1", false],
  ["nginx version: nginx/1.25.0", false],
  ["nginx version: nginx/1.25.1", true],
  ["nginx version: nginx/1.24.9 (Ubuntu)", false],
  ["nginx version: nginx/1.31.3", true],
  ["nginx version: openresty/1.21.4.1", false],
  ["nginx version: nginx/2.0.0", true],
  ["", false],
];

test.each(versions)("%s: whether it has the directive http2 is %s", (said, has) => {
  expect(hasHttp2Directive(said)).toBe(has);
});

test("HTTP/2 is asked for in the spelling that this nginx knows without a warning", async () => {
  await using folder = await temporaryFolder("nginx");
  const rendered = (http2: "on" | undefined) =>
    renderShipped(
      "nginx.conf.hbs",
      completeInput(folder.path, {
        certificate: "/certificates/example.org",
        nginx: { ...nginxFacts(folder.path), https: ["443", "[::]:443"], http2 },
      }),
    );
  expect((await rendered("on")).match(/^ *(listen .*ssl.*|http2 .*)$/gm)?.map((line) => line.trim())).toEqual(
    ["listen 443 ssl;", "listen [::]:443 ssl;", "http2 on;"],
  );
  expect((await rendered(undefined)).match(/listen .*ssl.*$/gm)).toEqual([
    "listen 443 ssl http2;",
    "listen [::]:443 ssl http2;",
  ]);
});

test("servers and names of this machine, as nginx writes them and as DNS does not know them", () => {
  const text =
    "# nameserver 9.9.9.9\nsearch example.org\nnameserver 10.0.0.2\n nameserver fd00::1 # ours\nnameserver fe80::1%em0\n";
  expect(resolversIn(text)).toEqual(["10.0.0.2", "[fd00::1]"]);
  expect(hostsIn("127.0.0.1 localhost\n10.0.0.9\tS3.example.org s3 # the storage\n\n")).toEqual([
    "localhost",
    "s3.example.org",
    "s3",
  ]);
});

/** The path as it is written: fetch would tidy it up, and name the host itself. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: "files.example.org" };
    const outgoing = request({ host: "127.0.0.1", port, path, headers }, async (incoming) => {
      const body = (await incoming.setEncoding("utf8").toArray()).join("");
      resolve(`${incoming.statusCode} ${body}`);
    });
    outgoing.once("error", reject).end();
  });
}

/** Says where it listens and what it was asked for. */
async function storage(host: string, port: number): Promise<AsyncDisposable> {
  const server = createServer(({ url }, response) => response.end(`${host} ${url}`));
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
