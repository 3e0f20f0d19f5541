/** Ruby's own mailer, with the `.env.production` that a real agent renders, hands mails to a real server. */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AGENT, HOSTS, startAgent, UNPROBED } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { startConsul } from "../world/consul.ts";
import { checkout, program } from "../world/programs.ts";
import { type SmtpOptions, startSmtp } from "../world/smtp.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

/** Nobody else is here, so that the mail ports themselves can be used: what they imply is what is tested. */
const HOST = "127.25.0.1";
/** YAML would take it for something else without quotes. */
const PASSWORD = "mail: secret #1";

const world = new AsyncDisposableStack();
const folder = world.use(await temporaryFolder("mail"));
const certificates = await makeCertificates(folder.path, HOST);
const consul = world.use(await startConsul());
const agent = world.use(
  await startAgent({
    consul,
    environment: {
      ...HOSTS,
      MAILHOST: HOST,
      MAILPASS: PASSWORD,
      MAILFROM: "Mastodon at example.org <notifications@example.org>",
    },
    config: {
      variables: { SMTP_CA_FILE: certificates.ca },
      dependencies: { ...UNPROBED, smtp: { service: "smtp" } },
    },
  }),
);
await agent.converged();
afterAll(() => world.disposeAsync());

const MAIL = {
  from: "notifications@example.org",
  to: ["user@example.org"],
  text: expect.stringContaining('From: "Mastodon at example.org" <notifications@example.org>'),
  user: "mailuser",
  greeting: "social.example.org",
};

test.each([
  ["25", "a server without TLS", {}, { isSecure: false }],
  ["25", "a server that offers STARTTLS", { certificates }, { isSecure: true }],
  ["587", "a server that offers STARTTLS", { certificates }, { isSecure: true }],
  ["465", "a server with TLS from the first byte", { certificates, tls: "implicit" }, { isSecure: true }],
] as const)("port %s: a mail goes to %s, with nothing but MAILPORT put", async (port, _, options, how) => {
  await using server = await startServer(port, options);
  await put({ MAILPORT: port });
  expect(await deliver()).toBe("");
  expect(server.mails()).toEqual([{ ...MAIL, ...how }]);
  expect(await check(), "and check --probe agrees").toMatch(/^ok .*Mastodon can work with it$/);
  expect(server.mails()).toHaveLength(1);
});

test.each([
  ["login", ["LOGIN"]],
  ["cram_md5", ["CRAM-MD5"]],
] as const)("SMTP_AUTH_METHOD %s logs in where nothing else is accepted", async (method, methods) => {
  await using server = await startServer("587", { certificates, methods });
  await put({ MAILPORT: "587", SMTP_AUTH_METHOD: method });
  expect(await deliver()).toBe("");
  expect(server.mails()).toEqual([{ ...MAIL, isSecure: true }]);
});

test("SMTP_AUTH_METHOD none: a relay that takes no login gets none", async () => {
  await using server = await startServer("25", { isOpen: true });
  await put({ MAILPORT: "25", SMTP_AUTH_METHOD: "none" });
  expect(await deliver()).toBe("");
  expect(server.mails()).toMatchObject([{ from: MAIL.from, user: undefined }]);
});

test.each([
  ["Dr. Ö's Site (u.s., test) <news@example.org>", undefined, "news@example.org"],
  ["Mastodon @ example.org <news@example.org>", "Bounces <bounces@example.org>", "bounces@example.org"],
] as const)(
  "MAILFROM %s: the mail leaves with the sender that check --probe tried",
  async (from, back, sender) => {
    await using server = await startServer("25", { sender });
    await consul.put("mastodon/settings/MAILFROM", from);
    await put({
      MAILPORT: "25",
      SMTP_FROM_ADDRESS: from,
      ...(back !== undefined && { SMTP_RETURN_PATH: back }),
    });
    expect(await deliver()).toBe("");
    expect(server.mails()).toMatchObject([{ from: sender }]);
    expect(await check()).toMatch(/^ok .*Mastodon can work with it$/);
  },
);

test.each([
  "Friends, Inc. <news@example.org>",
  "News; daily <news@example.org>",
  "Site [test] <news@example.org>",
])("MAILFROM %s is refused: Ruby's mail would take another sender", async (from) => {
  await consul.put("mastodon/settings/MAILFROM", from);
  await until("the refusal", async () => {
    const [problem] = (await agent.status()).problems;
    return problem?.message.match(/settings\/MAILFROM: .*Ruby's mail would take another sender/);
  });
  expect((await agent.variables())["SMTP_FROM_ADDRESS"]).not.toBe(from);
  await consul.delete("mastodon/settings/MAILFROM");
});

test("port 587: the password is not sent to a server whose STARTTLS was stripped", async () => {
  await using server = await startServer("587", {});
  await put({ MAILPORT: "587" });
  expect(await deliver()).toContain("STARTTLS");
  expect(server.mails()).toEqual([]);
  expect(await check()).toMatch(/^FAIL .*it offers no STARTTLS\. Use MAILPORT 465/);
});

test("a certificate from an authority that is not in SMTP_CA_FILE is refused", async () => {
  await using others = await temporaryFolder("other-mail");
  await using server = await startServer("465", {
    certificates: await makeCertificates(others.path, HOST),
    tls: "implicit",
  });
  await put({ MAILPORT: "465" });
  expect(await deliver()).toContain("certificate verify failed");
  expect(await check()).toMatch(/^FAIL .*a certificate that is not trusted .*SMTP_CA_FILE/);
  await put({ MAILPORT: "465", SMTP_OPENSSL_VERIFY_MODE: "none" });
  expect(await deliver()).toBe("");
  expect(server.mails()).toHaveLength(1);
});

test("TLS and STARTTLS at once are reported before they lose a mail", async () => {
  await put({ MAILPORT: "465", SMTP_ENABLE_STARTTLS: "auto", SMTP_TLS: "true" });
  expect(await check()).toMatch(/^FAIL .*SMTP_TLS: it is true and SMTP_ENABLE_STARTTLS is auto/);
});

test("a mail server in the catalogue brings its port, and what that port implies", async () => {
  await using server = await startServer("465", { certificates, tls: "implicit" });
  await put({});
  const instance = { id: "hub", service: "smtp", address: "10.9.9.9", status: "passing" } as const;
  await consul.register({ ...instance, port: 465, meta: { host: HOST } });
  await until("the catalogue's port", async () => (await agent.variables())["SMTP_PORT"] === "465");
  expect(await agent.variables()).toMatchObject({ SMTP_SERVER: HOST, SMTP_TLS: "true" });
  expect(await deliver()).toBe("");
  expect(server.mails()).toEqual([{ ...MAIL, isSecure: true }]);
  await consul.register({ ...instance, port: 587, meta: { host: HOST } });
  await until("the other port", async () => (await agent.variables())["SMTP_PORT"] === "587");
  expect(await agent.variables()).toMatchObject({ SMTP_ENABLE_STARTTLS: "always" });
  expect(await agent.variables()).not.toHaveProperty("SMTP_TLS");
});

function startServer(port: string, options: SmtpOptions) {
  return startSmtp({ host: HOST, port: Number(port), password: PASSWORD, ...options });
}

const USUAL = { SMTP_PORT: "25", SMTP_AUTH_METHOD: "plain", SMTP_OPENSSL_VERIFY_MODE: "peer" };
const PUT = [
  "SMTP_RETURN_PATH",
  "SMTP_AUTH_METHOD",
  "SMTP_OPENSSL_VERIFY_MODE",
  "SMTP_ENABLE_STARTTLS",
  "SMTP_TLS",
];

/** Puts these, takes back what else a test may have put, and waits for the file that says so. */
async function put({ MAILPORT, ...variables }: Readonly<Record<string, string>>): Promise<void> {
  const keys = [
    ["settings/MAILPORT", MAILPORT] as const,
    ...PUT.map((name) => [`env/${name}`, variables[name]] as const),
  ];
  for (const [key, value] of keys) {
    if (value === undefined) await consul.delete(`mastodon/${key}`);
    else await consul.put(`mastodon/${key}`, value);
  }
  const wanted = { ...USUAL, ...(MAILPORT !== undefined && { SMTP_PORT: MAILPORT }), ...variables };
  await until("the file to say so", async () => {
    expect(await agent.variables()).toMatchObject(wanted);
    return true;
  });
  // What an earlier test put may still be in the file for a moment, where this one puts nothing.
  await until("nothing more to come", async () => (await agent.status()).state === "converged");
}

/** What Ruby complains of. */
async function deliver(): Promise<string> {
  const script = join(checkout(), "test", "mail", "fixtures", "deliver.rb");
  await using running = await start(program("ruby"), [script, agent.envFile, "user@example.org"], {
    onlyEnv: { PATH: process.env["PATH"] ?? "" },
  });
  await running.exited;
  return running.output();
}

/** What `check --probe` says of the mail server. */
async function check(): Promise<string | undefined> {
  const argv = [AGENT, "check", "--probe", "--config", agent.configFile];
  const onlyEnv = { PATH: process.env["PATH"] ?? "", ...agent.environment };
  await using running = await start(process.execPath, argv, { onlyEnv });
  await running.exited;
  return running
    .output()
    .split("\n")
    .find((line) => line.includes(`smtp ${HOST}`));
}
