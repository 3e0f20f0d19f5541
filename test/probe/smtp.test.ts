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

const world = new AsyncDisposableStack();
const folder = world.use(await temporaryFolder("certificates"));
const certificates = await makeCertificates(folder.path, "127.0.0.1");
const plain = world.use(await startSmtp());
const starttls = world.use(await startSmtp({ certificates }));
const implicit = world.use(await startSmtp({ certificates, tls: "implicit" }));
afterAll(() => world.disposeAsync());

const caFile = certificates.ca;
const login = { user: plain.user, password: new Secret(plain.password), method: "plain" } as const;

function at({ host, port }: { readonly host: string; readonly port: number }) {
  return { host, port, login };
}

test("a server that takes the login passes, and no connection stays there", async () => {
  expect(await probeSmtp(at(plain), limits())).toEqual({ kind: "writable" });
  await until("the probe's connection to be gone", () => plain.connections() === 0);
});

test.each(["plain", "login", "cram_md5"] as const)(
  "the login by %s is told right from wrong",
  async (method) => {
    const right = { ...at(plain), login: { ...login, method } };
    expect(verdict(await probeSmtp(right, limits()))).toBe("writable");
    const wrong = { ...right, login: { ...right.login, password: new Secret("mail-secret-2") } };
    expect(await probeSmtp(wrong, limits())).toMatchObject({
      code: "wrong_credentials",
      reason: expect.stringMatching(/^refuses the user or the password \(answers AUTH .* with 535\)$/),
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

test("STARTTLS that is required and not offered is told with the server's answer", async () => {
  expect(await probeSmtp({ ...at(plain), tls: "always" }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringMatching(/^answers STARTTLS with 5\d\d$/),
  });
});

test("TLS from the first byte is spoken where it is asked for", async () => {
  const target = { ...at(implicit), tls: "implicit", caFile } as const;
  expect(await probeSmtp(target, limits())).toEqual({ kind: "writable" });
  expect(verdict(await probeSmtp({ ...at(implicit), tls: "implicit" }, limits()))).toBe("wrong_tls");
  expect(await probeSmtp({ ...target, port: plain.port }, limits())).toMatchObject({
    code: "wrong_tls",
    reason: expect.stringContaining("fails the TLS handshake"),
  });
});

test("without a login the server is greeted only", async () => {
  const { host, port } = plain;
  expect(await probeSmtp({ host, port }, limits())).toEqual({ kind: "writable" });
});

test("an empty password is refused before it is sent", async () => {
  const target = { ...at(plain), login: { ...login, password: new Secret("") } };
  expect(await probeSmtp(target, limits())).toMatchObject({ code: "wrong_credentials" });
});

// A server that is overloaded, blocks us or dies in the middle: not to be had from the real one.
test.each([
  [["554 go away"], "not_ready", "answers the connection with 554"],
  [["220 ready", "421 too busy"], "not_ready", "answers EHLO with 421"],
  [["220 ready", "250-hello\r\n250 AUTH PLAIN", "454 try later"], "not_ready", "answers AUTH PLAIN with 454"],
  [["220 ready", "250 hello"], "wrong_credentials", "offers no login (AUTH), perhaps only with TLS"],
  [["220 ready"], "unreachable", "breaks the conversation off"],
  [[], "unreachable", "breaks the conversation off"],
])("a server that says %j and closes is told for what it is", async (lines, verdictOf, reason) => {
  await using server = await startScripted(lines);
  const result = await probeSmtp(at(server), limits());
  expect(result).toMatchObject({ reason });
  expect(verdict(result)).toBe(verdictOf);
});

test("a port where nobody listens is unreachable", async () => {
  expect(await probeSmtp({ ...at(plain), port: await freePort() }, limits())).toEqual({
    kind: "unreachable",
    reason: "refuses connections: nobody listens there",
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
