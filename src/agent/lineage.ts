import { addressOf } from "../base/address.ts";
import { refused } from "../probe/result.ts";
import { endpointOf } from "../settings/targets.ts";
import type { Finding } from "./finding.ts";

/**
 * After a planned failover both Redis call themselves master until Sentinel has told the old one, ten seconds later, and
 * what is written there meanwhile is lost. The promoted one says whose history it goes on with: the older one is refused.
 */
export function withoutSucceeded(findings: readonly Finding[]): readonly Finding[] {
  return findings.map((finding) => {
    const heir = findings.find((other) => goesOnFrom(other, finding));
    if (heir === undefined) return finding;
    const reason = `calls itself a master, but ${addressOf(endpointOf(heir.target))} was promoted in its place`;
    return { ...finding, verdict: refused("not_writable", reason, CURE) };
  });
}

const CURE = "If it is to stay the master, make the other one its replica (REPLICAOF).";

function goesOnFrom({ verdict: heir }: Finding, { verdict: old }: Finding): boolean {
  if (heir.kind !== "writable" || old.kind !== "writable") return false;
  return old.lineage !== undefined && heir.lineage?.previousId === old.lineage.id;
}
