import type { CandidateStatus, EndpointStatus, ProbeStatus, Status } from "../status.ts";
import { type Tone, UNCHECKED } from "./tone.ts";
import { address } from "./words.ts";

/** The state of one dependency's endpoint, in a word and a sentence. */
export interface EndpointView {
  readonly name: string;
  readonly endpoint: EndpointStatus;
  readonly probes: readonly ProbeStatus[];
  readonly tone: Tone;
  readonly word: string;
  readonly why: string;
}

export function endpointViews({ endpoints, probes }: Status): readonly EndpointView[] {
  return Object.entries(endpoints).map(([name, endpoint]) => {
    const own = probes.filter(({ dependency }) => dependency === name);
    return { name, endpoint, probes: own, ...judged(endpoint, own) };
  });
}

/** Why a candidate is chosen or not. */
export function choiceOf(candidate: CandidateStatus, { endpoint, probes }: EndpointView) {
  const { eligible, reason } = candidate;
  if (isAt(endpoint, candidate)) {
    return eligible
      ? ({ tone: "ok", word: "chosen", why: "in use, and a candidate" } as const)
      : ({ tone: "held", word: "kept", why: `in use, but not a candidate: ${reason}` } as const);
  }
  if (!eligible) return { tone: "none", word: "not chosen", why: reason } as const;
  const failed = probes.find((probe) => !probe.ok && isAt(probe, candidate));
  if (failed !== undefined) return { tone: "bad", word: "not used", why: failed.reason } as const;
  const why = isOverridden(endpoint)
    ? "an operator's setting takes precedence"
    : "could be chosen; the one in use stays while it is a candidate";
  return { tone: "none", word: "not chosen", why } as const;
}

/** The level that an endpoint comes from, such as `catalogue`. */
export function levelOf({ from }: EndpointStatus): string | undefined {
  return from.host?.level;
}

type Judgement = Pick<EndpointView, "tone" | "word" | "why">;

function judged(endpoint: EndpointStatus, probes: readonly ProbeStatus[]): Judgement {
  if (endpoint.host === null) return { tone: "bad", word: "unknown", why: "no source has it" };
  const { check } = endpoint;
  if (check.healthy === false)
    return { tone: "bad", word: "failing", why: `the connection in use ${check.reason}` };
  const { catalogue, candidates } = endpoint;
  const hasNone = catalogue === "answered" && !candidates.some(({ eligible }) => eligible);
  if (hasNone && levelOf(endpoint) === "catalogue")
    return { tone: "held", word: "held", why: "no candidate; the endpoint in use stays" };
  const refused = probes.find(({ ok }) => !ok);
  if (refused !== undefined) {
    const why = `${address(refused)} is not used, because it ${refused.reason}; the endpoint in use stays`;
    return { tone: "held", word: "held", why };
  }
  return check.healthy === null ? { ...UNCHECKED, why: "" } : { tone: "ok", word: "healthy", why: "" };
}

function isAt(one: { readonly host: string | null; readonly port: number | null }, other: typeof one) {
  return one.host === other.host && one.port === other.port;
}

function isOverridden(endpoint: EndpointStatus): boolean {
  const level = levelOf(endpoint);
  return level === "node" || level === "shared";
}
