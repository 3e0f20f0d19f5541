/** Ruby's own mailer, with the `.env.production` that a real agent renders, hands mails to a real server. */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
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
    config: { variables: { SMTP_CA_FILE: certificates.ca } },
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
});

test.each([
  ["login", ["LOGIN"]],
  ["cram_md5", ["CRAM-MD5"]],
] as const)("SMTP_AUTH_METHOD %s logs in where nothing else is taken", async (method, methods) => {
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

test("port 587: the password does not leave for a server whose STARTTLS was taken away", async () => {
  await using server = await startServer("587", {});
  await put({ MAILPORT: "587" });
  expect(await deliver()).toContain("STARTTLS");
  expect(server.mails()).toEqual([]);
});

test("a certificate of an authority that is not in SMTP_CA_FILE is not taken", async () => {
  await using others = await temporaryFolder("other-mail");
  await using server = await startServer("465", {
    certificates: await makeCertificates(others.path, HOST),
    tls: "implicit",
  });
  await put({ MAILPORT: "465" });
  expect(await deliver()).toContain("certificate verify failed");
  await put({ MAILPORT: "465", SMTP_OPENSSL_VERIFY_MODE: "none" });
  expect(await deliver()).toBe("");
  expect(server.mails()).toHaveLength(1);
});

function startServer(port: string, options: SmtpOptions) {
  return startSmtp({ host: HOST, port: Number(port), password: PASSWORD, ...options });
}

const WANTED = ["SMTP_AUTH_METHOD", "SMTP_OPENSSL_VERIFY_MODE"] as const;
const USUAL = { SMTP_AUTH_METHOD: "plain", SMTP_OPENSSL_VERIFY_MODE: "peer" };

/** Puts these, takes back what else a test may have put, and waits for the file that says so. */
async function put({ MAILPORT, ...variables }: Readonly<Record<string, string>>): Promise<void> {
  await consul.put("mastodon/settings/MAILPORT", MAILPORT ?? "25");
  for (const name of WANTED) {
    const value = variables[name];
    if (value === undefined) await consul.delete(`mastodon/env/${name}`);
    else await consul.put(`mastodon/env/${name}`, value);
  }
  const wanted = { SMTP_PORT: MAILPORT, ...USUAL, ...variables };
  await until("the file to say so", async () => {
    expect(await agent.variables()).toMatchObject(wanted);
    return true;
  });
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
