/** Knows whether this node is part of the cluster, and if not, why: one problem instead of a stream of retries. */
import { isDeepStrictEqual } from "node:util";
import { Bell } from "../base/bell.ts";
import { steadyMs } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../report/log.ts";
import type { Complaining } from "../report/problems.ts";
import type { ConsulClient } from "./client.ts";
import { ConsulError } from "./errors.ts";
import { type Heard, isDenied, type Look, problemsOf } from "./join-problems.ts";
import { troubleIn } from "./trouble.ts";

export interface JoinState {
  /** The local client answers. */
  readonly connected: boolean;
  /** A leader is known and at least one server is alive. */
  readonly joined: boolean;
  /** How many members are alive, servers and clients. */
  readonly members: number;
  /** ISO 8601 time since when the cluster cannot be asked; a token that may not see its members is another matter. */
  readonly awaySince: string | undefined;
  readonly problems: readonly Complaining[];
}

export const NOT_JOINED: JoinState = {
  connected: false,
  joined: false,
  members: 0,
  awaySince: undefined,
  problems: [],
};

export interface JoinOptions {
  readonly client: Pick<ConsulClient, "leader" | "members">;
  /** CONSULSERVERS, for the messages. */
  readonly servers: string;
  readonly onChange: () => void;
  readonly log: Log;
  readonly pace?: Pace;
}

export interface Pace {
  /** Between two looks while not joined. */
  readonly joiningMs: number;
  /** While joined: whatever runs into trouble asks for a look at once. */
  readonly joinedMs: number;
  /** A start or a restart takes a moment: anything shorter is not a problem, unless the log says why. */
  readonly graceMs: number;
  /**
   * What can also happen inside the cluster is over if the log has not mentioned it for this long; it repeats it every
   * 15 to 30 s.
   */
  readonly repeatMs: number;
}

const PACE: Pace = { joiningMs: 1_000, joinedMs: 120_000, graceMs: 5_000, repeatMs: 90_000 };

export class JoinWatch {
  readonly #options: JoinOptions;
  readonly #pace: Pace;
  #state = NOT_JOINED;
  #look: Look | undefined;
  #misread: readonly string[] = [];
  #unreachable = new Map<string, string>();
  #hasWrongKey = false;
  #conflict: Repeating | undefined;
  #denial: Repeating | undefined;
  #outsideSinceMs: number | undefined;
  #awaySince: string | undefined;
  readonly #bell = new Bell();

  constructor(options: JoinOptions) {
    this.#options = options;
    this.#pace = options.pace ?? PACE;
  }

  /** Nothing answers at the client's address. */
  get isUnreachable(): boolean {
    return this.#look?.kind === "unreachable";
  }

  get state(): JoinState {
    return this.#state;
  }

  /** Receives one line of the client's log. */
  hear(line: string): void {
    const trouble = troubleIn(line);
    if (trouble === undefined) return;
    if (trouble.kind === "wrong_gossip_key") this.#hasWrongKey = true;
    if (trouble.kind === "server_unreachable") this.#unreachable.set(trouble.server, trouble.reason);
    if (trouble.kind === "name_conflict") this.#conflict = { what: trouble.other, heardMs: steadyMs() };
    // The first reason stays while others follow, so that one problem does not become many.
    if (trouble.kind === "denied") {
      this.#denial = { what: this.#heard().denial ?? trouble.reason, heardMs: steadyMs() };
    }
    this.#conclude();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isFirst = this.#look === undefined;
      this.#look = await look(this.#options.client, signal);
      if (signal.aborted) return;
      this.#tellMisread(this.#look);
      this.#conclude();
      // That there is no one to join is also news, once.
      if (isFirst) this.#options.onChange();
      const pauseMs = this.#state.joined ? this.#pace.joinedMs : this.#pace.joiningMs;
      await this.#bell.wait(steadyMs() + pauseMs, steadyMs(), signal);
    }
  }

  /** They count as not alive, which nobody may notice while enough others are. */
  #tellMisread(look: Look): void {
    const misread = look.kind === "answered" ? look.misread : [];
    if (misread.length > 0 && !isDeepStrictEqual(misread, this.#misread)) {
      this.#options.log.warn({ members: misread }, "Consul's entries for these members are not understood");
    }
    this.#misread = misread;
  }

  /** Another part ran into trouble with Consul: what is known about it may be old. */
  lookAgain(): void {
    this.#bell.ring();
  }

  #conclude(): void {
    const look = this.#look;
    if (look === undefined) return;
    const joined = look.kind === "answered" && look.leader !== undefined && look.servers > 0;
    // What the log said on the way into the cluster is over; what it says inside concerns other nodes.
    if (joined) this.#forget();
    else this.#outsideSinceMs ??= steadyMs();
    const isAway = !joined && !isDenied(look);
    this.#awaySince = isAway ? (this.#awaySince ?? new Date().toISOString()) : undefined;
    this.#become({
      connected: look.kind !== "unreachable",
      awaySince: this.#awaySince,
      joined,
      members: look.kind === "answered" ? look.members : 0,
      problems: problemsOf(look, this.#heard(), {
        joined,
        servers: this.#options.servers,
        isPatient: steadyMs() - (this.#outsideSinceMs ?? 0) < this.#pace.graceMs,
      }),
    });
  }

  #heard(): Heard {
    const { repeatMs } = this.#pace;
    const current = (heard: Repeating | undefined) =>
      heard !== undefined && steadyMs() - heard.heardMs < repeatMs ? heard.what : undefined;
    return {
      hasWrongKey: this.#hasWrongKey,
      unreachable: this.#unreachable,
      conflictWith: current(this.#conflict),
      denial: current(this.#denial),
    };
  }

  #forget(): void {
    this.#hasWrongKey = false;
    this.#unreachable.clear();
    this.#outsideSinceMs = undefined;
  }

  #become(state: JoinState): void {
    const before = this.#state;
    this.#state = state;
    if (state.joined !== before.joined) {
      const { log } = this.#options;
      if (state.joined) log.info({ members: state.members }, "joined the cluster");
      else log.warn("no longer part of the cluster");
    }
    if (JSON.stringify(before) !== JSON.stringify(state)) this.#options.onChange();
  }
}

interface Repeating {
  readonly what: string;
  readonly heardMs: number;
}

async function look(client: JoinOptions["client"], signal: AbortSignal): Promise<Look> {
  try {
    const members = await client.members(signal);
    const servers = members.filter(({ isServer }) => isServer);
    return {
      kind: "answered",
      leader: await leaderOf(client, signal),
      members: members.filter(({ isAlive }) => isAlive).length,
      servers: servers.filter(({ isAlive }) => isAlive).length,
      lostServers: servers.filter(({ isAlive }) => !isAlive).map(({ name }) => name),
      misread: members.flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`])),
    };
  } catch (error) {
    const kind = error instanceof ConsulError && error.kind === "denied" ? "denied" : "unreachable";
    return { kind, reason: messageOf(error) };
  }
}

/** A client without any server answers 500: it is there, but knows no leader. */
async function leaderOf(client: JoinOptions["client"], signal: AbortSignal): Promise<string | undefined> {
  try {
    return await client.leader(signal);
  } catch (error) {
    if (error instanceof ConsulError && error.kind === "overloaded") return undefined;
    throw error;
  }
}
