/** Whether an SMTP server takes our login, by the way that Mastodon would go: EHLO, STARTTLS or TLS, AUTH. No mail is sent. */
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { z } from "zod";
import type { Secret } from "../base/secret.ts";
import { authority, dial, dialTls, explainNetwork } from "./network.ts";
import { type ProbeResult, refused, WRITABLE } from "./result.ts";

export interface SmtpTarget {
  readonly host: string;
  readonly port: number;
  /** SMTP_ENABLE_STARTTLS (`auto` where none is given), or TLS from the first byte (SMTP_TLS, SMTP_SSL). */
  readonly tls?: "auto" | "always" | "never" | "implicit";
  /** False where SMTP_OPENSSL_VERIFY_MODE is `none`. */
  readonly verify?: boolean;
  /** PEM file with the authority of the server's certificate. */
  readonly caFile?: string;
  /** Name that is given in EHLO. */
  readonly domain?: string;
  /** Without it the server is greeted only (SMTP_AUTH_METHOD `none`). */
  readonly login?: SmtpLogin;
}

export interface SmtpLogin {
  readonly user: string;
  readonly password: Secret;
  readonly method: "plain" | "login" | "cram_md5";
}

export async function lookAtSmtp(target: SmtpTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const connection = await open(target, signal);
    // It has timers of its own.
    signal.addEventListener("abort", () => connection.close(), { once: true });
    await greet(connection);
    const result = await logIn(connection, target.login);
    connection.quit();
    return result;
  } catch (error) {
    return explain(error);
  }
}

async function open(target: SmtpTarget, signal: AbortSignal): Promise<SMTPConnection> {
  const { host, port, tls = "auto", verify = true, caFile, domain } = target;
  const certificate = { ...(await authority(caFile)), rejectUnauthorized: verify };
  const isSecured = tls === "implicit";
  return new SMTPConnection({
    host,
    port,
    name: domain,
    connection: isSecured ? await dialTls(target, certificate, signal) : await dial(target, signal),
    secure: isSecured,
    secured: isSecured,
    requireTLS: tls === "always",
    ignoreTLS: tls === "never",
    tls: certificate,
  });
}

function greet(connection: SMTPConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.on("error", reject);
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
}

function logIn(connection: SMTPConnection, login: SmtpLogin | undefined): Promise<ProbeResult> {
  if (login === undefined) return Promise.resolve(WRITABLE);
  if (!connection.allowsAuth) {
    return Promise.resolve(refused("wrong_credentials", "offers no login (AUTH), perhaps only with TLS"));
  }
  const { user, password, method } = login;
  const credentials = { user, pass: password.reveal() };
  return new Promise((resolve, reject) => {
    connection.on("error", reject);
    connection.login({ method: method.replace("_", "-"), credentials }, (error) =>
      error ? reject(error) : resolve(WRITABLE),
    );
  });
}

/** Facts that the library lays on its errors; their messages repeat what the server said. */
const failure = z.object({
  code: z.string().optional(),
  /** The system's or TLS's own code, where the library put its own over it. */
  originalCode: z.string().optional(),
  /** What it was about: `CONN` for the connection and the greeting, `API`, else the command. */
  command: z.string(),
  responseCode: z.number().optional(),
});

function explain(error: unknown): ProbeResult {
  const silence = "breaks the conversation off";
  const { data } = failure.safeParse(error);
  if (data === undefined) return explainNetwork(error, silence);
  const { code, originalCode, command, responseCode } = data;
  const part = command === "CONN" ? "the connection" : command;
  if (responseCode !== undefined) {
    const answer = `answers ${part} with ${responseCode}`;
    if (code === "ETLS") return refused("wrong_tls", answer);
    return code === "EAUTH" && responseCode >= 500
      ? refused("wrong_credentials", `refuses the user or the password (${answer})`)
      : refused("not_ready", answer);
  }
  if (code === "EAUTH") return refused("wrong_credentials", "wants a user and a password");
  if (code === "ETLS") return refused("wrong_tls", `fails the TLS handshake after ${part}`);
  return explainNetwork(error, silence, originalCode ?? "");
}
