import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { Secret } from "../../src/base/secret.ts";
import { verifyEnvFile } from "../../src/render/dotenv.ts";
import { languageOf } from "../../src/render/language.ts";
import type { RenderInput } from "../../src/render/tree.ts";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { completeInput, consulFacts, renderShipped } from "./world.ts";

test("every shipped template has a language of its own", async () => {
  const names = await readdir(join(checkout(), "templates"));
  expect(names.map((name) => [name, languageOf(name, "")])).toEqual([
    ["consul.json.hbs", "json"],
    ["env.production.hbs", "dotenv"],
    ["nginx.conf.hbs", "nginx"],
    ["rc.sidekiq.hbs", "rc"],
    ["rc.streaming.hbs", "rc"],
    ["rc.web.hbs", "rc"],
    ["syslog-ng.conf.hbs", "syslog-ng"],
  ]);
});

test(".env.production is a header and one line per variable", async () => {
  const variables = [
    { name: "LOCAL_DOMAIN", value: "example.org" },
    { name: "DB_PASS", value: new Secret("it's $1") },
  ];
  const text = await renderShipped("env.production.hbs", completeInput("/", { variables }));
  expect(text).toBe(
    "# Rendered by mastodon-agent. Changes made here are overwritten: put settings into Consul.\n" +
      "LOCAL_DOMAIN=example.org\n" +
      "DB_PASS='it's $1'\n",
  );
  verifyEnvFile(
    text,
    new Map([
      ["LOCAL_DOMAIN", "example.org"],
      ["DB_PASS", "it's $1"],
    ]),
  );
});

async function validate(consulJson: string): Promise<unknown> {
  await using folder = await temporaryFolder("consul");
  const file = folder.file("agent.json");
  await writeFile(file, consulJson, { mode: 0o600 });
  await run(program("consul"), ["validate", file]);
  return JSON.parse(consulJson);
}

const services = z.object({
  services: z.array(z.object({ name: z.string(), port: z.number(), tags: z.array(z.string()) })),
});

test("consul accepts the client's configuration, which keeps the tags that Prometheus relabels on", async () => {
  const parsed = await validate(await renderShipped("consul.json.hbs", completeInput("/var/db")));
  expect(parsed).toMatchObject({
    server: false,
    leave_on_terminate: false,
    encrypt: "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=",
    retry_join: ["10.0.0.2", "10.0.0.3"],
  });
  expect(parsed).not.toHaveProperty("acl");
  expect(services.parse(parsed).services).toEqual([
    {
      name: "node-exporter",
      port: 9100,
      tags: ["_app=mastodon", "_service=node-exporter", "_hostname=mastodon-1"],
    },
    { name: "mastodon", port: 443, tags: ["_app=mastodon", "_service=mastodon", "_hostname=mastodon-1"] },
  ]);
});

test.each([
  [{ mastodon: "yes", node_exporter: undefined }, ["mastodon"]],
  [{ mastodon: undefined, node_exporter: "yes" }, ["node-exporter"]],
  [{ mastodon: undefined, node_exporter: undefined }, []],
])("the client's configuration registers what this node serves: %o", async (also, names) => {
  const parsed = await validate(
    await renderShipped(
      "consul.json.hbs",
      completeInput("/", { consul: { ...consulFacts("/var/db"), also } }),
    ),
  );
  expect(services.parse(parsed).services.map(({ name }) => name)).toEqual(names);
});

test("consul accepts a token with every character that JSON escapes, and IPv6", async () => {
  const token = '"\\/\u2028é';
  const consul = {
    client_addr: "::1",
    check_host: "[2001:db8::7]",
    node_id: undefined,
    site_port: "8443",
    also: { mastodon: "yes", node_exporter: "yes" },
    http_port: "8501",
    data_dir: "/var/db/consul",
    servers: ["2001:db8::2"],
    token: new Secret(token),
  };
  const input = completeInput("/", { IP: "2001:db8::7", consul });
  expect(await validate(await renderShipped("consul.json.hbs", input))).toMatchObject({
    acl: { enabled: true, tokens: { default: token, agent: token } },
    services: [
      { name: "node-exporter" },
      { name: "mastodon", port: 8443, checks: [{ tcp: "[2001:db8::7]:8443" }, {}] },
    ],
  });
});

const SYSLOG_NG = { port: "514", buffer: "/var/tmp", buffer_bytes: "10485760" };

test.each([
  ["with sockets and files to follow", {}],
  [
    "for the system that it finds",
    { syslog_ng: { ...SYSLOG_NG, bsd: "", sockets: [], local: "", files: [] } },
  ],
  ["in the older protocol", { syslog_ng: { ...SYSLOG_NG, bsd: "yes", sockets: [], local: "", files: [] } }],
])("syslog-ng accepts its configuration %s", async (_, changes: RenderInput) => {
  await using folder = await temporaryFolder("syslog-ng");
  const file = folder.file("syslog-ng.conf");
  await writeFile(file, await renderShipped("syslog-ng.conf.hbs", completeInput(folder.path, changes)));
  const state = ["--persist-file", folder.file("persist"), "--control", folder.file("control")];
  await run(program("syslog-ng"), ["-s", "-f", file, ...state]);
});

test.each(["web", "sidekiq", "streaming"])(
  "a shell reads the fragment of %s as one assignment",
  async (unit) => {
    const process = {
      web: [],
      sidekiq: [],
      streaming: [],
      [unit]: [
        { name: "WEB_CONCURRENCY", value: "2" },
        { name: "BIND", value: "0.0.0.0" },
      ],
    };
    await using folder = await temporaryFolder("rc");
    const file = folder.file("fragment");
    await writeFile(file, await renderShipped(`rc.${unit}.hbs`, completeInput("/", { process })));
    const script = `. "${file}" && eval "env $mastodon_${unit}_env sh -c 'echo \\$WEB_CONCURRENCY \\$BIND'"`;
    expect(await run("/bin/sh", ["-eu", "-c", script])).toBe("2 0.0.0.0\n");
  },
);

test("without variables a fragment sets nothing, so that an operator's own rc.conf stays in force", async () => {
  const text = await renderShipped("rc.web.hbs", completeInput("/"));
  expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});

const CERTIFICATES: readonly (readonly [string, readonly string[]])[] = [
  ["before there is any certificate", []],
  ["with a certificate for the site alone", ["certificate"]],
  ["with both certificates", ["certificate", "media_certificate"]],
];

/** A directive `http2` is new in nginx 1.25.1. Older ones do not know it, newer ones warn of the old form and take it. */
const HTTP2_OF_ITS_OWN = /.*\[warn\] the "listen \.\.\. http2" directive is deprecated.*\n/g;

test.each(CERTIFICATES)("nginx accepts its configuration %s", async (_, names) => {
  await using folder = await temporaryFolder("nginx");
  const certificates = await Promise.all(
    names.map(async (name) => [name, await selfSigned(folder.file(name))]),
  );
  const file = folder.file("nginx.conf");
  const changes = { WEBDOMAIN: "social.example.org", ...Object.fromEntries(certificates) };
  await writeFile(file, await renderShipped("nginx.conf.hbs", completeInput(folder.path, changes)));
  const output = await run(program("nginx"), ["-t", "-c", file, "-e", folder.file("error.log")]);
  expect(output).toContain("test is successful");
  expect(output.replaceAll(HTTP2_OF_ITS_OWN, "")).not.toContain("[warn]");
});

async function selfSigned(folder: string): Promise<string> {
  await mkdir(folder);
  const files = ["-keyout", join(folder, "privkey.pem"), "-out", join(folder, "fullchain.pem")];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await run(program("openssl"), ["req", "-x509", ...key, "-subj", "/CN=example.org", ...files]);
  return folder;
}
