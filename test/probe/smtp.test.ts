import { createServer } from "node:net";
import { afterAll, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probeSmtp } from "../../src/probe/probe.ts";
import { makeCertificates } from "../world/certificates.ts";
import { freePort } from "../world/ports.ts";
import { startSmtp } from "../world/smtp.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { limits, verdict } from "./limits.ts";
import { startSilence } from "./silence.ts";

const world = new AsyncDisposableStack();
const folder = world.use(await temporaryFolder("certificates"));
const certificates = await makeCertificates(folder.path, "127.0.0.1");
const others = world.use(await temporaryFolder("other-certificates"));
const elsewhere = await makeCertificates(others.path, "127.0.0.2", "other.example.org");
const expiredFolder = world.use(await temporaryFolder("expired-certificates"));
const expired = await makeCertificates(expiredFolder.path, "127.0.0.1", "localhost", -1);
const plain = world.use(await startSmtp());
const starttls = world.use(await startSmtp({ certificates }));
const implicit = world.use(await startSmtp({ certificates, tls: "implicit" }));
afterAll(() => world.disposeAsync());

const caFile = certificates.ca;
const login = { user: plain.user, password: new Secret(plain.password), method: "plain" } as const;

function at({ host, port }: { readonly host: string; readonly port: number }) {
  return { host, port, login };
}

test("a server that accepts the login passes, and no connection is left open", async () => {
  expect(await probeSmtp(at(plain), limits())).toEqual({ kind: "writable" });
  await until("the probe's connection to be gone", () => plain.connections() === 0);
});

test.each(["plain", "login", "cram_md5"] as const)(
  "a right %s login is distinguished from a wrong one",
  async (method) => {
    const right = { ...at(plain), login: { ...login, method } };
    expect(verdict(await probeSmtp(right, limits()))).toBe("writable");
    const wrong = { ...right, login: { ...right.login, password: new Secret("mail-secret-2") } };
    expect(await probeSmtp(wrong, limits())).toMatchObject({
      code: "wrong_credentials",
      reason: "refuses the user, the password or the method (answers AUTH with 535)",
      cure: expect.stringContaining("MAILPASS"),
    });
  },
);

test("STARTTLS is used when it is offered, and its certificate verified", async () => {
  const target = { ...at(starttls), caFile };
  expect(await probeSmtp(target, limits())).toEqual({ kind: "writable" });
  expect(await probeSmtp({ ...target, tls: "always" }, limits())).toEqual({ kind: "writable" });
  expect(await probeSmtp(at(starttls), limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("not trusted"),
  });
  expect(await probeSmtp({ ...at(starttls), verify: false }, limits())).toEqual({ kind: "writable" });
  expect(await probeSmtp({ ...at(starttls), tls: "never" }, limits())).toEqual({ kind: "writable" });
});

test("a missing STARTTLS that is required is reported, and the login is not sent", async () => {
  expect(await probeSmtp({ ...at(plain), tls: "always" }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: "offers no STARTTLS",
    cure: expect.stringContaining("SMTP_ENABLE_STARTTLS"),
  });
});

test.each([
  ["for another name", elsewhere, "is for another name"],
  ["that has expired", expired, "has expired"],
])(
  "a certificate %s is reported, with STARTTLS and with TLS from the first byte",
  async (_, other, reason) => {
    for (const [tls, mode] of [
      ["starttls", "always"],
      ["implicit", "implicit"],
    ] as const) {
      await using server = await startSmtp({ certificates: other, tls });
      expect(await probeSmtp({ ...at(server), tls: mode, caFile: other.ca }, limits())).toMatchObject({
        code: "wrong_tls",
        reason: expect.stringContaining(reason),
        cure: expect.stringContaining("MAILHOST must be the name"),
      });
    }
  },
);

test("a missing CA file is reported where it is needed, and only there", async () => {
  const missing = { caFile: folder.file("no-such.pem") };
  const reason = expect.stringContaining("no-such.pem");
  const secure = { ...at(starttls), ...missing };
  expect(await probeSmtp(secure, limits())).toMatchObject({ code: "wrong_tls", reason });
  expect(await probeSmtp({ ...secure, verify: false }, limits())).toEqual({ kind: "writable" });
  expect(await probeSmtp({ ...at(plain), ...missing }, limits())).toEqual({ kind: "writable" });
});

test("a method that the server does not offer is reported", async () => {
  await using server = await startSmtp({ methods: ["PLAIN"] });
  const target = { ...at(server), login: { ...login, method: "cram_md5" as const } };
  expect(await probeSmtp(target, limits())).toMatchObject({
    code: "wrong_credentials",
    reason: expect.stringMatching(/the method \(answers AUTH with 5\d\d\)$/),
    cure: expect.stringContaining("SMTP_AUTH_METHOD"),
  });
});

test("the sender is given to the server, and no mail is sent", async () => {
  await using server = await startSmtp({ sender: "notifications@example.org" });
  const target = { ...at(server), from: "notifications@example.org" };
  expect(await probeSmtp(target, limits())).toEqual({ kind: "writable" });
  expect(await probeSmtp({ ...target, from: "else@example.org" }, limits())).toMatchObject({
    reason: "refuses the sender (answers MAIL FROM with 550)",
    cure: expect.stringContaining("MAILFROM"),
  });
  expect(server.mails()).toEqual([]);
});

test("a server that wants a login and got none is reported at the sender", async () => {
  const { host, port } = plain;
  expect(await probeSmtp({ host, port, from: "notifications@example.org" }, limits())).toMatchObject({
    code: "wrong_credentials",
    reason: "wants a login (answers MAIL FROM with 530)",
  });
});

test("TLS from the first byte is used if it is asked for", async () => {
  const target = { ...at(implicit), tls: "implicit", caFile } as const;
  expect(await probeSmtp(target, limits())).toEqual({ kind: "writable" });
  expect(verdict(await probeSmtp({ ...at(implicit), tls: "implicit" }, limits()))).toBe("wrong_tls");
  expect(await probeSmtp({ ...target, port: plain.port }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("fails the TLS handshake"),
  });
});

test("without a login the server is only greeted", async () => {
  const { host, port } = plain;
  expect(await probeSmtp({ host, port }, limits())).toEqual({ kind: "writable" });
});

test.each(["plain", "login", "cram_md5"] as const)(
  "an empty password with %s is reported as wrong",
  async (method) => {
    const target = { ...at(plain), login: { ...login, method, password: new Secret("") } };
    expect(await probeSmtp(target, limits())).toMatchObject({ code: "wrong_credentials" });
  },
);

test("a name that cannot be resolved is reported", async () => {
  expect(await probeSmtp({ ...at(plain), host: "no-such-host.invalid" }, limits())).toMatchObject({
    kind: "unreachable",
    reason: expect.stringContaining("cannot be resolved"),
    cure: expect.stringContaining("name server"),
  });
});

test("a server that falls silent is reported at that step", async () => {
  await using silence = await startSilence();
  expect(await probeSmtp(at(silence), limits(1000))).toMatchObject({
    kind: "unreachable",
    reason: "does not answer within 500 ms at greeting",
    cure: expect.stringContaining("465"),
  });
  await using deaf = await startSilence({ port: plain.port, chunks: 1 });
  expect(await probeSmtp(at(deaf), limits(1000))).toMatchObject({
    reason: "does not answer within 500 ms at EHLO",
  });
});

// A server that is overloaded, blocks us or dies in the middle: not to be had from the real one.
test.each([
  [["554 go away"], "not_ready", "answers greeting with 554"],
  [["220 ready", "421 too busy"], "not_ready", "answers EHLO with 421"],
  [["220 ready", "250-hello\r\n250 AUTH PLAIN", "454 try later"], "not_ready", "answers AUTH with 454"],
  [["220 ready", "250 hello"], "wrong_credentials", "offers no login (AUTH), perhaps only with TLS"],
  [["220 ready"], "unreachable", "closes the connection at EHLO"],
  [[], "unreachable", "closes the connection at greeting"],
  [["+PONG"], "unreachable", "does not speak SMTP (at greeting)"],
])("a server that says %j and closes is reported as what it is", async (lines, verdictOf, reason) => {
  await using server = await startScripted(lines);
  const result = await probeSmtp(at(server), limits());
  expect(result).toMatchObject({ reason });
  expect(verdict(result)).toBe(verdictOf);
});

test("a port where nothing listens is unreachable", async () => {
  expect(await probeSmtp({ ...at(plain), port: await freePort() }, limits())).toMatchObject({
    kind: "unreachable",
    reason: "refuses connections: nothing listens there",
    cure: expect.stringContaining("MAILPORT"),
  });
});

/** Says a line at the beginning and one after each command, then closes. */
async function startScripted(lines: readonly string[]) {
  const server = createServer((client) => {
    const rest = [...lines];
    const say = () => {
      const line = rest.shift();
      if (line === undefined) client.destroy();
      else client.write(`${line}\r\n`);
    };
    client.on("error", () => {});
    client.on("data", say);
    say();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    host: "127.0.0.1",
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
