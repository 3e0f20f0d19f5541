import { readFile } from "node:fs/promises";
import { SMTPServer } from "smtp-server";
import type { Certificates } from "./certificates.ts";
import { freePort } from "./ports.ts";

export interface SmtpOptions {
  readonly host?: string;
  readonly user?: string;
  readonly password?: string;
  readonly certificates?: Certificates;
  /** `starttls` where certificates are given, else none. */
  readonly tls?: "none" | "starttls" | "implicit";
}

/** A real SMTP server that lets one user in and delivers nothing. */
export interface SmtpTestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  connections(): number;
}

export async function startSmtp(options: SmtpOptions = {}): Promise<SmtpTestServer> {
  const { host = "127.0.0.1", user = "mailuser", password = "mail-secret-1", certificates } = options;
  const { tls = certificates === undefined ? "none" : "starttls" } = options;
  const port = await freePort(host);
  const pair =
    certificates === undefined
      ? {}
      : { key: await readFile(certificates.serverKey), cert: await readFile(certificates.serverCertificate) };
  const server = new SMTPServer({
    ...pair,
    secure: tls === "implicit",
    disabledCommands: tls === "starttls" ? [] : ["STARTTLS"],
    authMethods: ["PLAIN", "LOGIN", "CRAM-MD5"],
    allowInsecureAuth: true,
    closeTimeout: 100,
    onAuth: (given, _session, done) => {
      const hasPassword =
        given.method === "CRAM-MD5" ? given.validatePassword(password) : given.password === password;
      done(hasPassword && given.username === user ? null : new Error("Invalid username or password"), {
        user,
      });
    },
  });
  // Clients that leave in the middle are what the tests are about.
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    host,
    port,
    user,
    password,
    connections: () => server.connections.size,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
