/**
 * Whether an SMTP server would take Mastodon's mail, tried step by step like Mastodon: connection, greeting, EHLO,
 * STARTTLS or TLS, AUTH, MAIL FROM. It stops there: no mail is sent. A failure names its step.
 */
import { authority, dial, dialTls, explainNetwork } from "./network.ts";
import { type ProbeFailure, type ProbeResult, refused, unreachable, WRITABLE } from "./result.ts";
import { logIn, type SmtpLogin } from "./smtp-auth.ts";
import { cureFor, type Part } from "./smtp-cures.ts";
import { ConversationOver, type Reply, SmtpDialog } from "./smtp-dialog.ts";

export interface SmtpTarget {
  readonly host: string;
  readonly port: number;
  /** SMTP_ENABLE_STARTTLS (by default `auto`), or TLS from the first byte (SMTP_TLS, SMTP_SSL). */
  readonly tls?: "auto" | "always" | "never" | "implicit";
  /** False if SMTP_OPENSSL_VERIFY_MODE is not `peer`. */
  readonly verify?: boolean;
  /** PEM file with the authorities that may sign the server's certificate. */
  readonly caFile?: string;
  /** The name given in EHLO. */
  readonly domain?: string;
  /** Without it there is no login (SMTP_AUTH_METHOD `none`). */
  readonly login?: SmtpLogin;
  /** Address of the sender, as in MAIL FROM. */
  readonly from?: string;
}

/** @param patienceMs how long each answer may take */
export async function lookAtSmtp(
  target: SmtpTarget,
  patienceMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { host, tls = "auto", verify = true, domain = "localhost", login, from } = target;
  const within = <T>(part: Part, work: () => Promise<T>) => during(part, patienceMs, work);
  try {
    // As late as Ruby does: a server without TLS works even if there is no such file.
    const certificate = async () => (verify ? authority(target.caFile) : { rejectUnauthorized: false });
    const isImplicit = tls === "implicit";
    const socket = await within(isImplicit ? "implicit TLS" : "connection", async () =>
      isImplicit ? dialTls(target, await certificate(), signal) : dial(target, signal),
    );
    const dialog = new SmtpDialog(socket, signal);
    await within("greeting", async () => expect(220, await dialog.reply()));
    let offers = await within("EHLO", () => hello(dialog, domain));
    if (tls === "always" && !offers.has("STARTTLS"))
      return { ...refused("wrong_tls", "offers no STARTTLS"), cure: cureFor("STARTTLS") };
    if (tls === "always" || (tls === "auto" && offers.has("STARTTLS"))) {
      await within("STARTTLS", async () => expect(220, await dialog.ask("STARTTLS")));
      await within("TLS", async () => dialog.startTls({ host, port: target.port }, await certificate()));
      offers = await within("EHLO", () => hello(dialog, domain));
    }
    if (login !== undefined && !offers.has("AUTH"))
      return {
        ...refused("wrong_credentials", "offers no login (AUTH), perhaps only with TLS"),
        cure: cureFor("AUTH"),
      };
    if (login !== undefined) await within("AUTH", async () => expect(235, await logIn(dialog, login)));
    if (from !== undefined)
      await within("MAIL FROM", async () => expect(250, await dialog.ask(`MAIL FROM:<${from}>`)));
    dialog.end();
    return WRITABLE;
  } catch (error) {
    return error instanceof PartFailed ? error.result : explainNetwork(error, "closes the connection");
  }
}

/** What the server offers: the first word of each line except the greeting (RFC 5321 section 4.1.1.1). */
async function hello(dialog: SmtpDialog, domain: string): Promise<ReadonlySet<string>> {
  const reply = await dialog.ask(`EHLO ${domain}`);
  expect(250, reply);
  return new Set(reply.lines.slice(1).map((line) => line.toUpperCase().split(/[ =]/)[0] ?? ""));
}

function expect(code: number, reply: Reply): void {
  if (reply.code !== code) throw new Unexpected(reply.code);
}

/** A step did not end as it should; only `during` knows which step it was. */
class Unexpected extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`answered ${code}`);
    this.code = code;
  }
}

class PartFailed extends Error {
  readonly result: ProbeFailure;

  constructor(result: ProbeFailure, cause: unknown) {
    super("a part failed", { cause });
    this.result = result;
  }
}

async function during<T>(part: Part, patienceMs: number, work: () => Promise<T>): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(new ConversationOver("silent")), patienceMs);
  try {
    return await Promise.race([work(), silence.promise]);
  } catch (error) {
    throw new PartFailed(explain(part, patienceMs, error), error);
  } finally {
    clearTimeout(timer);
  }
}

function explain(part: Part, patienceMs: number, error: unknown): ProbeFailure {
  if (error instanceof Unexpected) return { ...answered(part, error.code), cure: cureFor(part, error.code) };
  const result = over(part, patienceMs, error) ?? explainNetwork(error, `closes the connection at ${part}`);
  const isUnresolved = result.kind === "unreachable" && result.reason.includes("resolved");
  return { ...result, cure: cureFor(isUnresolved ? "name" : part) };
}

function over(part: Part, patienceMs: number, error: unknown): ProbeFailure | undefined {
  if (!(error instanceof ConversationOver)) return undefined;
  switch (error.how) {
    case "silent":
      return unreachable(`does not answer within ${patienceMs} ms at ${part}`);
    case "closed":
      return unreachable(`closes the connection at ${part}`);
    case "not SMTP":
      return unreachable(`does not speak SMTP (at ${part})`);
  }
}

function answered(part: Part, code: number): ProbeFailure {
  const answer = `answers ${part} with ${code}`;
  if (part === "STARTTLS") return refused("wrong_tls", answer);
  if (code < 500) return refused("not_ready", answer);
  if (part === "AUTH")
    return refused("wrong_credentials", `refuses the user, the password or the method (${answer})`);
  if (part !== "MAIL FROM") return refused("not_ready", answer);
  return refused("wrong_credentials", `${code === 530 ? "wants a login" : "refuses the sender"} (${answer})`);
}
