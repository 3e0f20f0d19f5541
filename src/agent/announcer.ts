import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { announce, tellStates, type WantedService } from "../consul/announce.ts";
import type { ConsulClient } from "../consul/client.ts";
import { ConsulError } from "../consul/errors.ts";
import type { Notice } from "../report/notice.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import { type AnnouncedFacts, announcementOf, farewellOf } from "./announcement.ts";
import { retryDelayMs } from "./schedule.ts";

/** A burst is announced once. */
const COALESCE_MS = 250;
/** A restarted agent will soon know what it does not know yet. */
const YOUNG_MS = 15_000;
const FAREWELL_MS = 2000;
/** How rarely, in TTLs, the registrations are read while nothing changes; in between they are only refreshed. */
const LOOK_EVERY_TTLS = 10;
/** A lost one is sent again at once, long before the other half of the TTL is over. */
const BEATS_PER_TTL = 2;

export interface AnnouncerOptions {
  readonly client: ConsulClient;
  readonly facts: () => Omit<AnnouncedFacts, "isYoung">;
  readonly notice: Notice;
  readonly problems: Problems;
}

/** The reason of a signal that ends the agent only to restart it with other options: nobody needs to hear about that. */
export const GOES_ON = new DOMException("the agent continues with new options", "AbortError");

/**
 * Keeps the agent and Mastodon's services registered in Consul and reports how they are: when that changes, and twice
 * within the TTL. Whatever goes wrong is reported and retried; nothing waits for it.
 */
export async function runAnnouncer(options: AnnouncerOptions, signal: AbortSignal): Promise<void> {
  const { notice, problems, facts } = options;
  const startedMs = steadyMs();
  const now = (): AnnouncedFacts => ({ ...facts(), isYoung: steadyMs() - startedMs < YOUNG_MS });
  const bell = new Bell();
  const unsubscribe = notice.subscribe(() => bell.ring());
  let failures = 0;
  let last: { readonly wanted: readonly WantedService[]; readonly lookedMs: number } | undefined;
  while (!signal.aborted) {
    const seen = now();
    const wanted = announcementOf(seen);
    const announcement = { ...common(options, seen), wanted, signal };
    const lookAgainMs = (last?.lookedMs ?? 0) + seen.options.config.announce.ttl * LOOK_EVERY_TTLS;
    const isKnown =
      isDeepStrictEqual(wanted, last?.wanted) && steadyMs() < lookAgainMs && wanted.every(isCertain);
    const error = await failureOf(() => (isKnown ? tellStates(announcement) : announce(announcement)));
    if (signal.aborted) break;
    failures = error === undefined ? 0 : failures + 1;
    if (error !== undefined) last = undefined;
    else if (!isKnown) last = { wanted, lookedMs: steadyMs() };
    problems.replace("announce", seen.options.config.announce.enabled ? complaints(error) : []);
    const beatMs = seen.options.config.announce.ttl / BEATS_PER_TTL;
    if (failures > 0) await pause(Math.min(retryDelayMs(failures), beatMs), signal);
    else await bell.wait(steadyMs() + beatMs, steadyMs(), signal);
    await pause(COALESCE_MS, signal);
  }
  unsubscribe();
  if (signal.reason === GOES_ON) return;
  const seen = now();
  const end = AbortSignal.timeout(FAREWELL_MS);
  await failureOf(() => tellStates({ ...common(options, seen), wanted: farewellOf(seen), signal: end }));
}

/** For what is not known yet the old status is repeated, and has to be looked up. */
function isCertain({ checks }: WantedService): boolean {
  return checks.every((check) => check.kind !== "ttl" || check.state.isUnknown !== true);
}

function common({ client }: AnnouncerOptions, { options }: AnnouncedFacts) {
  return { client, owner: `mastodon-agent-${options.node}` };
}

async function failureOf(action: () => Promise<void>): Promise<unknown> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Others already report that Consul is away or has no leader. */
function complaints(error: unknown): readonly Complaining[] {
  if (error === undefined) return [];
  const kind = error instanceof ConsulError ? error.kind : "bug";
  if (kind === "unreachable" || kind === "overloaded") return [];
  const cure =
    kind === "denied"
      ? "Give the token the policy of packaging/consul-policy.hcl, or set announce.enabled to false."
      : "Correct what Consul complains about, such as IP or announce.service, or set announce.enabled to false.";
  const complaint = {
    where: "services in Consul",
    what: `they cannot be registered (${messageOf(error)}); Mastodon is configured all the same`,
    cure,
  };
  return [problemOf(kind === "denied" ? "announce_denied" : "announce_failed", complaint)];
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
