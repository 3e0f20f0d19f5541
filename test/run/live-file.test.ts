/** The first apply over a `.env.production` that somebody else has written, and what is left of it afterwards. */
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import type { Change } from "../../src/report/change.ts";
import { isChange, journalEntrySchema } from "../../src/report/journal-entry.ts";
import { readByRuby } from "../render/ruby.ts";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

const SECRET = "a very' hidden one";
const LIVE = `# the old password was ${SECRET}
LOCAL_DOMAIN=social.example.org
OIDC_ENABLED=true
FORK_FLAG=on
export OIDC_CLIENT_SECRET="${SECRET}"
CACHE_BUSTER_HTTP_METHOD: PURGE
WEB_DOMAIN=web.example.org
S3_PERMISSION=
DEFAULT_LOCALE=de
SMTP_OPENSSL_VERIFY_MODE=none
MAX_THREADS=9
RUBYOPT=-W0
DATABASE_URL=postgres://mastodon:${encodeURIComponent(SECRET)}@10.9.9.1/x
WEB_CONCURRENCY=7
`;
const CARRIED = {
  OIDC_ENABLED: "true",
  FORK_FLAG: "on",
  OIDC_CLIENT_SECRET: SECRET,
  CACHE_BUSTER_HTTP_METHOD: "PURGE",
  WEB_DOMAIN: "web.example.org",
  S3_PERMISSION: "",
  DEFAULT_LOCALE: "de",
  SMTP_OPENSSL_VERIFY_MODE: "none",
  MAX_THREADS: "9",
  RUBYOPT: "-W0",
};

test("lines that no source has stay for both readers, through later applies, a restart and the loss of the state", async () => {
  await using agent = await startOver("stay", LIVE);
  await agent.converged();
  await expectCarried(agent);
  expect(await agent.variables()).not.toHaveProperty("DATABASE_URL");
  await put("stay/settings/MAILPORT", "587", agent, { SMTP_PORT: "587" });
  await expectCarried(agent);
  await agent.stop();
  await rm(agent.envFile);
  await agent.start();
  await agent.converged();
  await expectCarried(agent);
  await agent.stop();
  await rm(path.join(agent.folder, "state", "state.json"));
  await agent.start();
  await agent.converged();
  await expectCarried(agent);
  await consul.delete("stay/settings/MAILPORT");
  await until("the port by default", async () => (await agent.variables())["SMTP_PORT"] === "25");
  expect(await agent.variables(), "what followed from the port").toMatchObject({
    SMTP_ENABLE_STARTTLS: "auto",
  });
});

test("check, log and history say what stays, what goes and where it belongs, and no value is printed", async () => {
  await using agent = await startOver("said", LIVE, { held: true });
  await until("the agent to be held", async () => (await agent.status()).state === "held");
  const checked = (await cli(agent, ["check"])).output;
  expect(checked).toMatch(/it keeps what only that file says: .*OIDC_CLIENT_SECRET/);
  expect(checked).toMatch(/line of DATABASE_URL, .*put settings\/DBHOST/);
  expect(checked).toMatch(/lines of WEB_CONCURRENCY, which .*consul kv put said\/env\/WEB_CONCURRENCY/);
  const diff = (await cli(agent, ["render", "--diff"])).output;
  expect(diff).toContain("-DATABASE_URL=[redacted]");
  expect(diff).toContain("+OIDC_CLIENT_SECRET=[redacted]");
  const json = (await cli(agent, ["render", "--diff", "--json"])).output;

  await consul.delete("said/control/hold");
  await agent.converged();
  const change = await firstChange(agent);
  const copy = change?.takeover?.copy ?? "";
  expect(change?.takeover).toMatchObject({
    removed: ["DATABASE_URL", "WEB_CONCURRENCY"],
    carried: expect.arrayContaining(["OIDC_ENABLED", "FORK_FLAG", "WEBDOMAIN", "DEFAULT_LOCALE"]),
  });
  expect(await readFile(copy, "utf8")).toBe(LIVE);
  expect((await stat(copy)).mode & 0o777).toBe(0o600);
  expect(agent.output()).toMatch(/DATABASE_URL[^\n]*lines are removed/);
  const history = (await cli(agent, ["history", "--verbose"])).output;
  expect(history).toMatch(/\(removed DATABASE_URL, WEB_CONCURRENCY\)/);
  expect(history).toContain(copy);
  const explained = (await cli(agent, ["explain", "FORK_FLAG"])).output;
  expect(explained).toMatch(/^FORK_FLAG = \[redacted\], from live file: \S+\.env\.production\n/);
  expect(explained).toMatch(/^ {2}read by web, sidekiq, streaming$/m);
  const said = [
    checked,
    diff,
    json,
    history,
    explained,
    agent.output(),
    JSON.stringify(await agent.status()),
  ];
  for (const text of said) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(encodeURIComponent(SECRET));
  }
});

test("a source takes a line over, and the line does not come back when the source is silent again", async () => {
  await using agent = await startOver("taken", LIVE);
  await agent.converged();
  await put("taken/env/DEFAULT_LOCALE", "fr", agent, { DEFAULT_LOCALE: "fr" });
  await agent.converged();
  await consul.delete("taken/env/DEFAULT_LOCALE");
  await until("the line to go", async () => !("DEFAULT_LOCALE" in (await agent.variables())));
  expect(await agent.variables()).toMatchObject({ OIDC_ENABLED: "true" });
});

test("unknown lines go where the operator says so, and the copy has them", async () => {
  await using agent = await startOver("drop", LIVE, { unknown: "drop" });
  await agent.converged();
  for (const name of Object.keys(CARRIED).filter((each) => !each.startsWith("SMTP_")))
    expect(await agent.variables()).not.toHaveProperty(name);
  expect(await agent.variables()).toMatchObject({ SMTP_OPENSSL_VERIFY_MODE: "peer" });
  const change = await firstChange(agent);
  expect(change?.takeover?.removed).toEqual(expect.arrayContaining(["OIDC_ENABLED", "DEFAULT_LOCALE"]));
  expect(await readFile(change?.takeover?.copy ?? "", "utf8")).toBe(LIVE);
});

test("a line that cannot be written again is named, and nothing is applied before it was mended", async () => {
  const certificate = '"-----BEGIN CERTIFICATE-----\nhidden-value\n-----END CERTIFICATE-----"';
  const live = `SAML_IDP_CERT=${certificate}\nOIDC_ENABLED=true\n`;
  await using agent = await startOver("mended", live);
  const found = await until("the refusal", async () => {
    const { problems } = await agent.status();
    return problems.find(({ message }) => message.includes("SAML_IDP_CERT"))?.message;
  });
  expect(found).toMatch(/\.env\.production: its value of SAML_IDP_CERT cannot be carried over: .*one line/);
  expect(await readFile(agent.envFile, "utf8")).toBe(live);
  expect((await cli(agent, ["check"])).output).toMatch(/SAML_IDP_CERT cannot be carried over/);

  await writeFile(agent.envFile, "SAML_IDP_CERT=hidden-value\nOIDC_ENABLED=true\n");
  await put("mended/settings/MAILPORT", "587", agent, { SMTP_PORT: "587" });
  expect(await agent.variables()).toMatchObject({ SAML_IDP_CERT: "hidden-value", OIDC_ENABLED: "true" });
});

test("the last three copies are kept, each of another file", async () => {
  await using agent = await startOver("copies", "A=0\n");
  for (const text of ["A=1\n", "A=1\n", "A=2\n", "A=3\n"]) {
    await agent.converged();
    await agent.stop();
    await rm(path.join(agent.folder, "state", "state.json"));
    await writeFile(agent.envFile, text);
    await agent.start();
  }
  await agent.converged();
  const folder = path.join(agent.folder, "state");
  const copies = (await readdir(folder)).filter((name) => name.startsWith("env.production.")).sort();
  const texts = await Promise.all(copies.map((name) => readFile(path.join(folder, name), "utf8")));
  expect(texts).toEqual(["A=1\n", "A=2\n", "A=3\n"]);
});

interface Over {
  readonly held?: boolean;
  readonly unknown?: "drop";
}

function startOver(prefix: string, live: string, { held = false, unknown }: Over = {}): Promise<TestAgent> {
  return startAgent({
    consul,
    environment: { ...HOSTS, DOMAIN: `${prefix}.example.org` },
    config: { watch: { prefix }, ...(unknown && { env: { unknown_lines: unknown } }) },
    prepare: async (folder) => {
      if (held) await consul.put(`${prefix}/control/hold`, "looking first");
      await writeFile(path.join(folder, ".env.production"), live);
    },
  });
}

async function put(
  key: string,
  value: string,
  agent: TestAgent,
  seen: Readonly<Record<string, string>>,
): Promise<void> {
  await consul.put(key, value);
  await until(`${key} to be in force`, async () => {
    const variables = await agent.variables();
    return Object.entries(seen).every(([name, text]) => variables[name] === text);
  });
}

async function firstChange(agent: TestAgent): Promise<Change | undefined> {
  const answer: unknown = await (await fetch(`${agent.url}/history`)).json();
  return z.array(journalEntrySchema).parse(answer).find(isChange);
}

async function expectCarried(agent: TestAgent): Promise<void> {
  expect(await agent.variables()).toMatchObject(CARRIED);
  expect((await readByRuby([await readFile(agent.envFile, "utf8")]))[0]).toMatchObject(CARRIED);
}
