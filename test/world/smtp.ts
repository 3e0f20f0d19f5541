import { readFile } from "node:fs/promises";
import { SMTPServer } from "smtp-server";
import type { Certificates } from "./certificates.ts";
import { freePort } from "./ports.ts";

export interface SmtpOptions {
  readonly host?: string;
  /** A free one where none is given. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly certificates?: Certificates;
  /** `starttls` where certificates are given, else none. */
  readonly tls?: "none" | "starttls" | "implicit";
  /** All three where none is given. */
  readonly methods?: readonly ("PLAIN" | "LOGIN" | "CRAM-MD5")[];
  /** Nobody may or must log in. */
  readonly isOpen?: boolean;
  /** The only sender that it takes mail from; any where none is given. */
  readonly sender?: string;
}

/** A mail as it was handed over. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  /** Whether it came in TLS, and after a login as whom. */
  readonly isSecure: boolean;
  readonly user: string | undefined;
  /** What the client called itself in EHLO. */
  readonly greeting: string;
}

/** A real SMTP server that lets one user in and keeps what it is given. */
export interface SmtpTestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  connections(): number;
  mails(): readonly Mail[];
}

export async function startSmtp(options: SmtpOptions = {}): Promise<SmtpTestServer> {
  const { host = "127.0.0.1", user = "mailuser", password = "mail-secret-1", certificates } = options;
  const { tls = certificates === undefined ? "none" : "starttls" } = options;
  const { methods = ["PLAIN", "LOGIN", "CRAM-MD5"], isOpen = false, sender } = options;
  const port = options.port ?? (await freePort(host));
  const mails: Mail[] = [];
  const pair =
    certificates === undefined
      ? {}
      : { key: await readFile(certificates.serverKey), cert: await readFile(certificates.serverCertificate) };
  const server = new SMTPServer({
    ...pair,
    secure: tls === "implicit",
    disabledCommands: [...(tls === "starttls" ? [] : ["STARTTLS"]), ...(isOpen ? ["AUTH"] : [])],
    authMethods: [...methods],
    authOptional: isOpen,
    allowInsecureAuth: true,
    closeTimeout: 100,
    onAuth: (given, _session, done) => {
      const hasPassword =
        given.method === "CRAM-MD5" ? given.validatePassword(password) : given.password === password;
      done(hasPassword && given.username === user ? null : new Error("Invalid username or password"), {
        user,
      });
    },
    onMailFrom: (address, _session, done) =>
      done(sender === undefined || address.address === sender ? null : new Error("Sender not yours")),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
          isSecure: session.secure,
          user: session.user,
          greeting: session.hostNameAppearsAs,
        });
        done();
      });
    },
  });
  // Clients that leave in the middle are what the tests are about.
  server.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    host,
    port,
    user,
    password,
    connections: () => server.connections.size,
    mails: () => mails,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
