import { isUsed } from "../../agent/connections.ts";
import { probeOnce } from "../../agent/probes.ts";
import { smtpTarget } from "../../agent/smtp-target.ts";
import { addressOf } from "../../base/address.ts";
import { Unavailable } from "../../base/errors.ts";
import { probeSmtp } from "../../probe/probe.ts";
import type { ProbeResult } from "../../probe/result.ts";
import { type CheckedName, PROBED_NAMES } from "../../settings/dependencies.ts";
import { deriveEndpoint } from "../../settings/derive.ts";
import type { Merged } from "../../settings/merge.ts";
import { targetOf } from "../../settings/targets.ts";
import type { Inspection } from "./inspection.ts";

const SMTP_TIMEOUT_MS = 15_000;
const NEVER = new AbortController().signal;

/** What `check --probe` adds: a probe of every backend with Mastodon's own credentials. */
export function backendInspections(merged: Merged): readonly Inspection[] {
  return [
    ...PROBED_NAMES.map((name) => probed(name, merged)),
    ...(isUsed(targetOf("elasticsearch", merged), false) ? [probed("elasticsearch", merged)] : []),
    ...smtpInspection(merged),
  ];
}

function probed(name: CheckedName, merged: Merged): Inspection {
  const endpoint = deriveEndpoint(name, merged);
  const where = endpoint === undefined ? name : `${name} ${addressOf(endpoint)}`;
  return [where, () => verdict(where, probeOnce(targetOf(name, merged), NEVER))];
}

function smtpInspection(merged: Merged): readonly Inspection[] {
  const endpoint = deriveEndpoint("smtp", merged);
  if (endpoint === undefined) return [];
  const where = `smtp ${addressOf(endpoint)}`;
  return [[where, () => smtpVerdict(where, merged)]];
}

/** @throws Refused if the variables contradict each other, Unavailable with what the probe found */
async function smtpVerdict(where: string, merged: Merged): Promise<string> {
  const target = smtpTarget(merged);
  if (target === undefined) return "no mail server is known";
  return verdict(where, probeSmtp(target, { timeoutMs: SMTP_TIMEOUT_MS, signal: NEVER }));
}

/** @throws Unavailable with what the probe found */
async function verdict(where: string, looking: Promise<ProbeResult>): Promise<string> {
  const result = await looking;
  if (result.kind === "writable") return "Mastodon can work with it";
  throw new Unavailable({
    where,
    what: `it ${result.reason}`,
    cure: result.cure ?? "Correct the setting, or check that server.",
  });
}
