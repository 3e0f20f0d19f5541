import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { PostgresTarget } from "../probe/postgres.ts";
import { probePostgres, probeRedis, probeS3 } from "../probe/probe.ts";
import type { ProbeResult } from "../probe/result.ts";
import type { ProbedName } from "../settings/dependencies.ts";
import type { Target } from "../settings/targets.ts";

/** For a whole probe: a server that needs longer to say that it is well is not one to move to. */
const TIMEOUT_MS = 3000;
/** A primary that is being promoted must be seen at once; one that has been down for long need not be. */
const EAGER_PAUSE_MS = 100;
const EAGER_FOR_MS = 60_000;
const PATIENT_PAUSE_MS = 2000;
/** What was found well is looked at again while it waits for its turn, or has rivals. */
const CONTENT_PAUSE_MS = 5000;

/** What a probe last found. */
export interface Finding {
  readonly target: Target;
  readonly verdict: ProbeResult;
}

interface Probe {
  readonly target: Target;
  readonly end: AbortController;
  verdict: ProbeResult | undefined;
}

/** Probes what the loop wants probed, again and again until it is no longer wanted, and rings when something new is found. */
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
    return new Map(
      [...this.#probes].flatMap(([key, { verdict }]) => (verdict === undefined ? [] : [[key, verdict]])),
    );
  }

  /** What was found of each, for the status. */
  get findings(): readonly Finding[] {
    return [...this.#probes.values()].flatMap(({ target, verdict }) =>
      verdict === undefined ? [] : [{ target, verdict }],
    );
  }

  /** Replaces what is wanted. What was found of a target is forgotten with it. */
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

/** One look at a target. What a probe did not expect is no reason to move, and is said like any other failure. */
export async function probeOnce(target: Target, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return await PROBES[target.dependency](reader(target), { timeoutMs: TIMEOUT_MS, signal });
  } catch (error) {
    const reason = signal.aborted
      ? "is not asked any more"
      : `gave an unexpected answer (${messageOf(error)})`;
    return { kind: "unreachable", reason };
  }
}

type Read = (name: string) => string;
type Limits = Parameters<typeof probePostgres>[1];

const PROBES: Readonly<Record<ProbedName, (read: Read, limits: Limits) => Promise<ProbeResult>>> = {
  postgres: (read, limits) => probePostgres(postgresTarget(read), limits),
  redis: (read, limits) => {
    const [username, password] = [read("REDIS_USER"), read("REDISPASS")];
    const target = { host: read("REDISHOST"), port: Number(read("REDISPORT")) };
    return probeRedis(
      {
        ...target,
        ...(username !== "" && { username }),
        ...(password !== "" && { password: new Secret(password) }),
        database: Number(read("REDIS_DB")),
      },
      limits,
    );
  },
  s3: (read, limits) =>
    probeS3(
      {
        scheme: read("BUCKETSCHEME") === "http" ? "http" : "https",
        host: read("BUCKETHOST"),
        port: Number(read("BUCKETPORT")),
        bucket: read("BUCKETNAME"),
        region: read("BUCKETREGION"),
        accessKey: read("BUCKETUSER"),
        secretKey: new Secret(read("BUCKETPASS")),
      },
      limits,
    ),
};

/** How Mastodon would log in there. */
export function postgresTargetOf(target: Target): PostgresTarget {
  return postgresTarget(reader(target));
}

function postgresTarget(read: Read): PostgresTarget {
  const sslmode = read("DB_SSLMODE");
  return {
    host: read("DBHOST"),
    port: Number(read("DBPORT")),
    user: read("DBUSER"),
    password: new Secret(read("DBPASS")),
    database: read("DBNAME"),
    ...(sslmode !== "" && { sslmode }),
  };
}

function reader({ wishes }: Target): Read {
  return (name) => {
    const value = wishes.get(name)?.value;
    return value === undefined ? "" : reveal(value);
  };
}

function pauseMs(verdict: ProbeResult, ageMs: number): number {
  if (verdict.kind === "writable") return CONTENT_PAUSE_MS;
  return ageMs < EAGER_FOR_MS ? EAGER_PAUSE_MS : PATIENT_PAUSE_MS;
}
