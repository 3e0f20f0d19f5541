import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { ProbeResult } from "../probe/result.ts";
import type { Target } from "../settings/targets.ts";
import type { Finding } from "./finding.ts";
import { withoutSucceeded } from "./lineage.ts";
import { probeOnce } from "./probes.ts";

/** A primary being promoted must be seen at once; one that has been down for long need not be. */
const EAGER_PAUSE_MS = 100;
const EAGER_FOR_MS = 60_000;
const PATIENT_PAUSE_MS = 2000;
/** A good target is probed again while it waits for its turn, or has rivals. */
const CONTENT_PAUSE_MS = 5000;

interface Probe {
  readonly target: Target;
  readonly end: AbortController;
  verdict: ProbeResult | undefined;
}

/** Keeps probing what the loop wants probed, until it is no longer wanted, and rings when something new is found. */
export class Prober {
  readonly #onChange: () => void;
  readonly #onProbe: (finding: Finding) => void;
  readonly #probes = new Map<string, Probe>();

  /** @param onChange called when something new is found; `onProbe` after every probe */
  constructor(onChange: () => void, onProbe: (finding: Finding) => void) {
    this.#onChange = onChange;
    this.#onProbe = onProbe;
  }

  get verdicts(): ReadonlyMap<string, ProbeResult> {
    return new Map(this.findings.map(({ target, verdict }) => [target.key, verdict]));
  }

  /** What was found about each, all taken together. */
  get findings(): readonly Finding[] {
    const findings = [...this.#probes.values()].flatMap(({ target, verdict }) =>
      verdict === undefined ? [] : [{ target, verdict }],
    );
    return withoutSucceeded(findings);
  }

  /** Replaces what is wanted. What was found about a target is forgotten with it. */
  want(targets: readonly Target[]): void {
    const wanted = new Map(targets.map((target) => [target.key, target]));
    for (const [key, { end }] of this.#probes) {
      if (wanted.has(key)) continue;
      end.abort();
      this.#probes.delete(key);
    }
    for (const [key, target] of wanted) if (!this.#probes.has(key)) this.#begin(key, target);
  }

  #begin(key: string, target: Target): void {
    const probe: Probe = { target, end: new AbortController(), verdict: undefined };
    this.#probes.set(key, probe);
    void this.#repeat(probe, target);
  }

  async #repeat(probe: Probe, target: Target): Promise<void> {
    const { signal } = probe.end;
    const beganMs = performance.now();
    while (!signal.aborted) {
      const verdict = await probeOnce(target, signal);
      if (signal.aborted) return;
      const isNews = !isDeepStrictEqual(verdict, probe.verdict);
      probe.verdict = verdict;
      this.#onProbe({ target, verdict });
      if (isNews) this.#onChange();
      await sleep(pauseMs(verdict, performance.now() - beganMs), undefined, { signal }).catch(() => {});
    }
  }
}

function pauseMs(verdict: ProbeResult, ageMs: number): number {
  if (verdict.kind === "writable") return CONTENT_PAUSE_MS;
  return ageMs < EAGER_FOR_MS ? EAGER_PAUSE_MS : PATIENT_PAUSE_MS;
}
