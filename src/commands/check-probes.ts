import { probeOnce } from "../agent/prober.ts";
import { Unavailable } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import { probeSmtp } from "../probe/probe.ts";
import type { ProbeResult } from "../probe/result.ts";
import type { SmtpTarget } from "../probe/smtp.ts";
import { PROBED_NAMES } from "../settings/dependencies.ts";
import { deriveEndpoint } from "../settings/derive.ts";
import type { Merged } from "../settings/merge.ts";
import { rankedIn } from "../settings/slot.ts";
import { targetOf } from "../settings/targets.ts";
import { bracketed } from "../settings/types.ts";

const SMTP_TIMEOUT_MS = 15_000;
const NEVER = new AbortController().signal;

/** What `check --probe` adds: a look at every backend with the very credentials that Mastodon has. */
export function probeInspections(merged: Merged): readonly (readonly [string, () => Promise<string>])[] {
  return [
    ...PROBED_NAMES.map((name) => {
      const endpoint = deriveEndpoint(name, merged);
      const where = endpoint === undefined ? name : `${name} ${bracketed(endpoint.host)}:${endpoint.port}`;
      return [where, () => verdict(where, probeOnce(targetOf(name, merged), NEVER))] as const;
    }),
    ...smtpInspection(merged),
  ];
}

function smtpInspection(merged: Merged): readonly (readonly [string, () => Promise<string>])[] {
  const target = smtpTarget(merged);
  if (target === undefined) return [];
  const where = `smtp ${bracketed(target.host)}:${target.port}`;
  return [[where, () => verdict(where, probeSmtp(target, { timeoutMs: SMTP_TIMEOUT_MS, signal: NEVER }))]];
}

/** As Mastodon's `config/environments/production.rb` reads them. */
function smtpTarget(merged: Merged): SmtpTarget | undefined {
  const [host, port] = [textOf(merged, "MAILHOST"), textOf(merged, "MAILPORT")];
  if (host === undefined || port === undefined) return undefined;
  const isImplicit = textOf(merged, "SMTP_TLS") === "true" || textOf(merged, "SMTP_SSL") === "true";
  const startTls = TLS_MODES.find((mode) => mode === textOf(merged, "SMTP_ENABLE_STARTTLS")) ?? "auto";
  const method = LOGIN_METHODS.find((known) => known === (textOf(merged, "SMTP_AUTH_METHOD") ?? "plain"));
  const [user, password] = [textOf(merged, "MAILUSER"), rankedIn(merged, "MAILPASS")?.[0].value];
  return {
    host,
    port: Number(port),
    tls: isImplicit ? "implicit" : startTls,
    verify: textOf(merged, "SMTP_OPENSSL_VERIFY_MODE") !== "none",
    ...(user !== undefined &&
      password instanceof Secret &&
      method !== undefined && { login: { user, password, method } }),
  };
}

const TLS_MODES = ["auto", "always", "never"] as const;
const LOGIN_METHODS = ["plain", "login", "cram_md5"] as const;

/** @throws Unavailable with what the probe found */
async function verdict(where: string, looking: Promise<ProbeResult>): Promise<string> {
  const result = await looking;
  if (result.kind === "writable") return "Mastodon can work with it";
  throw new Unavailable({
    where,
    what: `it ${result.reason}`,
    cure: "Correct the setting, or look at that server.",
  });
}

function textOf(merged: Merged, name: string): string | undefined {
  const value = rankedIn(merged, name)?.[0].value;
  return value === undefined ? undefined : reveal(value);
}
