import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import { CertificateKeeper, type CertificateState, type Wanted } from "../certificates/keeper.ts";
import type { ConsulClient } from "../consul/client.ts";
import { acquireFleetLock, fleetLockKey } from "../consul/lock.ts";
import { mountComplaint } from "../keys/mount.ts";
import type { Options } from "../options.ts";
import type { Log } from "../report/log.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import type { Merged } from "../settings/merge.ts";
import type { SettingName } from "../settings/schema.ts";
import type { Evaluation } from "./evaluate.ts";
import { acmeWebroot } from "./facts.ts";
import type { Memory } from "./memory.ts";
import { CERTIFIED, settingText } from "./render-input.ts";
import type { TurnWait } from "./turn.ts";

/** An operator may install their own certificate, or change the site's name. */
const LOOK_EVERY_MS = 30_000;
const LOOK_FIRST_MS = 500;
/** What is due but could not be ordered, for instance while Consul is away, is not requested all the time. */
const AT_ONCE_MS = 5_000;
/** The nodes of a site order one after the other. */
const LOCK = "certificates";

export interface CertifierContext {
  readonly options: Options;
  readonly client: ConsulClient;
  readonly problems: Problems;
  readonly log: Log;
  readonly evaluation: () => Evaluation | undefined;
  readonly inUse: () => Memory["certificates"];
  /** nginx may be about to start: then the port that the authority uses must be left to it. */
  readonly isStarting: () => boolean;
  /** Something about the certificates has changed. */
  readonly onChange: () => void;
}

/**
 * Keeps the domains that nginx serves supplied with certificates. It only puts them on disk: using them, and going back
 * to the old ones if the new ones do not work, is a change like any other and the loop's job.
 */
export class Certifier {
  readonly #context: CertifierContext;
  readonly #keeper: CertificateKeeper;
  /** Undefined before the first look that succeeded. */
  #states: readonly CertificateState[] | undefined;
  /** Set while another node of the site has the turn to order. */
  #turn: TurnWait | undefined;

  constructor(context: CertifierContext) {
    this.#context = context;
    this.#keeper = keeperFor(context, (key, holder) => this.#heard(key, holder));
  }

  /** What an order waits for; undefined if it does not wait. */
  get turn(): TurnWait | undefined {
    return this.#turn;
  }

  /** How each domain stood at the last look. */
  get states(): readonly CertificateState[] {
    return this.#states ?? [];
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wanted = this.#wanted();
      if (wanted !== undefined && !this.#context.isStarting()) await this.#look(wanted, signal);
      await sleep(this.#untilNextMs(), undefined, { signal }).catch(() => {});
    }
  }

  #untilNextMs(): number {
    if (this.#states === undefined) return LOOK_FIRST_MS;
    const attempts = this.#states.flatMap(({ nextAttemptMs }) => nextAttemptMs ?? []);
    const dueMs = Math.min(...attempts) - Date.now();
    return Math.min(Math.max(dueMs, AT_ONCE_MS), LOOK_EVERY_MS);
  }

  #wanted(): Wanted | undefined {
    const merged = this.#context.evaluation()?.merged;
    return merged && wantedIn(merged, this.#context.options);
  }

  async #look(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { problems, onChange } = this.#context;
    const before = JSON.stringify(this.states);
    try {
      this.#states = await this.#keeper.look(wanted, signal);
      problems.replace(
        "certificates",
        this.#states.flatMap((state) => state.problems),
      );
    } catch (error) {
      // A failing disk must not end an agent that can do without this.
      problems.replace("certificates", [
        diskProblem(this.#context.options.config.certificates.storage, error),
      ]);
    } finally {
      this.#turn = undefined;
    }
    if (JSON.stringify(this.states) !== before) onChange();
  }

  #heard(key: string, holder: string | null): void {
    if (holder === (this.#turn?.holder ?? null)) return;
    const since = this.#turn?.since ?? new Date().toISOString();
    this.#turn = holder === null ? undefined : { key, holder, since };
    this.#context.onChange();
  }
}

/** How the domains that nginx serves stand now. Orders nothing. */
export async function surveyCertificates(
  context: KeeperContext,
  merged: Merged,
): Promise<readonly CertificateState[]> {
  const wanted = wantedIn(merged, context.options);
  return wanted === undefined ? [] : keeperFor(context).survey(wanted);
}

function diskProblem(storage: string, error: unknown): Complaining {
  const what = `certificates cannot be managed (${messageOf(error)})`;
  const cure =
    "Give the agent's user read and write access there (certificates.storage, paths.certificates).";
  return problemOf("certificate_not_issued", { where: storage, what, cure });
}

type KeeperContext = Pick<CertifierContext, "options" | "client" | "log" | "inUse">;

/** @param onHolder called with the lock's key, and with the node that has it; null if none has */
function keeperFor(
  { options, client, log, inUse }: KeeperContext,
  onHolder: (key: string, holder: string | null) => void = () => {},
): CertificateKeeper {
  const { config, node } = options;
  const { directory, storage, listen, ca } = config.certificates;
  const mount = { directory: storage, requireMount: config.keys.require_mount, liveEnvFile: undefined };
  return new CertificateKeeper({
    own: config.paths.certificates,
    storage,
    webroot: acmeWebroot(options),
    listen,
    directory,
    ca: async () => (ca === undefined ? undefined : readFile(ca, "utf8")),
    storageComplaint: () => mountComplaint(mount),
    inUse: (domain) => inUse()[domain],
    lock: (domain, signal) => {
      const key = fleetLockKey(domain, LOCK);
      const heard = (holder: string | null) => onHolder(key, holder);
      return acquireFleetLock({ client, domain, name: LOCK, node, signal, log, onHolder: heard });
    },
    node,
    log,
    nowMs: () => Date.now(),
  });
}

/** The domains for which a template uses a certificate; undefined while site or contact are not known. */
function wantedIn(merged: Merged, { files }: Options): Wanted | undefined {
  const textOf = (name: SettingName) => settingText(merged, name);
  const [site, email] = [textOf("DOMAIN"), textOf("EMAIL")];
  if (site === undefined || email === undefined) return undefined;
  const served = [...CERTIFIED].filter(([word]) => files.some(({ template }) => template.mentions(word)));
  const domains = served.flatMap(([, names]) => names.map(textOf).find((value) => value !== undefined) ?? []);
  return { site, email, domains: [...new Set(domains)] };
}
