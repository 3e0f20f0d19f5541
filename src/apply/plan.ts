/** What has to be done so that disk and units come to what is desired. Pure: it looks at nothing itself. */
import type { Permissions } from "../state/durable.ts";
import type { FileSpec, UnitSpec } from "./config.ts";

/** What a unit should run with, or is known to run with: of all it reads, and of what only a restart lets it read. */
export interface UnitDigests {
  readonly reload: string;
  readonly restart: string;
}

export interface DesiredFile {
  readonly spec: FileSpec;
  readonly content: string;
  /** Units, where it is known who reads the file. */
  readonly readBy?: readonly string[];
}

export interface Desired {
  readonly digest: string;
  readonly files: readonly DesiredFile[];
  /** What each unit should be running with. A unit that is not named here is left alone. */
  readonly units: ReadonlyMap<string, UnitDigests>;
}

/** Where a file lies and what is there now. */
export interface Place {
  /** The path that is replaced: where the entry's path is a link, what it leads to. */
  readonly target: string;
  /** What the entry asks for. */
  readonly asked: Permissions;
  /** Undefined where there is no file. */
  readonly there: CurrentFile | undefined;
}

/** A file with all that is needed to put it back. */
export interface CurrentFile extends Required<Permissions> {
  readonly bytes: Uint8Array;
  readonly content: string;
  /** Whether mode, owner and group are what the file's entry asks for. */
  readonly asSpecified: boolean;
}

export interface PlacedFile extends DesiredFile {
  readonly place: Place;
}

/** What is desired, beside what is there: one look, by which a change is planned, written and put back. */
export interface Placed extends Desired {
  readonly files: readonly PlacedFile[];
}

/**
 * `unknown` is treated as running: a reload that fails says so, a second copy of a program does not. `ill`: its health
 * command says no, and there is no pidfile that would tell whether it is down, or up with something that makes it so.
 */
export type Running = "running" | "stopped" | "ill" | "unknown";

export interface Action {
  readonly unit: UnitSpec;
  readonly kind: "reload" | "restart" | "start";
  readonly wanted: UnitDigests;
  /** What the unit ran with before, as far as that was remembered. */
  readonly had: UnitDigests | undefined;
  /** Whether the unit ran before; one that did not is no witness against the new files. */
  readonly was: Running;
}

/** Whether doing something to the unit may take it from somebody. */
export function mayServe({ was }: Pick<Action, "was">): boolean {
  return was === "running" || was === "unknown";
}

export interface Plan {
  readonly writes: readonly PlacedFile[];
  readonly actions: readonly Action[];
  /** The old files name an endpoint that is dead, so that going back to them would help nobody. */
  readonly isOneWay?: boolean;
  /** The endpoint in use is dead or demoted. */
  readonly isUrgent?: boolean;
}

/**
 * The `restart` digest of a unit that needs nothing in its process environment. A unit of which nothing is known is
 * taken to have none of ours in there, so that an agent that meets a running site reloads and does not restart it.
 */
export const NO_PROCESS_VARIABLES = "none";

/** Stands for "not known what it runs with": no digest is empty, so the unit stays concerned. */
const UNKNOWN = "";

/**
 * syslog-ng first, since what is logged while it does not run is lost. Then sidekiq, since its jobs fail quietly, and
 * streaming after web, since its clients must come back to a web that is right.
 */
const FIRST_UNITS = ["syslog-ng", "sidekiq", "web", "streaming"];

/**
 * A unit is concerned if and only if what it should run with differs from what it is known to run with, or
 * if it is down and can be started. So a reload that failed, was cut off or never came is planned again until
 * it has succeeded, and bytes that did not change reload nothing.
 */
export function plan(
  desired: Placed,
  runsWith: ReadonlyMap<string, UnitDigests>,
  units: readonly UnitSpec[],
  running: ReadonlyMap<string, Running>,
): Plan {
  const actions = inOrder(units).flatMap((unit): Action[] => {
    const wanted = desired.units.get(unit.name);
    if (wanted === undefined) return [];
    const had = runsWith.get(unit.name);
    const was = takenFor(running.get(unit.name) ?? "unknown", wanted, had);
    const kind = kindOf(unit, wanted, had, was);
    return kind === undefined ? [] : [{ unit, kind, wanted, had, was }];
  });
  return { writes: desired.files.filter(differs), actions };
}

/**
 * The same where the endpoint in use is dead or demoted: sidekiq comes last. It is given time for its jobs and tries
 * them again, while people get errors until web has the new endpoint.
 */
export function inHaste({ actions, ...rest }: Plan): Plan {
  const isPatient = ({ unit }: Action) => unit.name === "sidekiq";
  return {
    ...rest,
    isUrgent: true,
    actions: [...actions.filter((action) => !isPatient(action)), ...actions.filter(isPatient)],
  };
}

/**
 * Of a plan what is done where nobody knows what should be in the files: they stay, and what is down is started with
 * them. What it then runs with is not known.
 */
export function startsOf({ actions }: Plan): Plan {
  const down = actions.filter((action) => !mayServe(action));
  return { writes: [], actions: down.map((action) => ({ ...action, wanted: unsettled(action) })) };
}

/** What may be remembered of a unit from the moment that its files change until it is verified. */
export function unsettled({ kind, had }: Pick<Action, "kind" | "had">): UnitDigests {
  const restart = kind === "reload" ? (had?.restart ?? NO_PROCESS_VARIABLES) : UNKNOWN;
  return { reload: UNKNOWN, restart };
}

/** Whether the unit was once verified to run with this. */
export function isKnown(digests: UnitDigests | undefined): digests is UnitDigests {
  return digests !== undefined && digests.reload !== UNKNOWN && digests.restart !== UNKNOWN;
}

function inOrder(units: readonly UnitSpec[]): readonly UnitSpec[] {
  const first = FIRST_UNITS.flatMap((name) => units.filter((unit) => unit.name === name));
  return [...first, ...units.filter((unit) => !FIRST_UNITS.includes(unit.name))];
}

/**
 * A unit that is ill is taken for stopped where a reload would bring it nothing new: it has what it should run with, or
 * nothing was ever done to it. Otherwise the reload may be what heals it, and `act` starts it where that does not.
 */
function takenFor(was: Running, wanted: UnitDigests, had: UnitDigests | undefined): Running {
  const isNew = had !== undefined && (wanted.reload !== had.reload || wanted.restart !== had.restart);
  return was === "ill" && !isNew ? "stopped" : was;
}

function kindOf(
  unit: UnitSpec,
  wanted: UnitDigests,
  had: UnitDigests | undefined,
  was: Running,
): Action["kind"] | undefined {
  if (was === "stopped" && unit.start !== undefined) return "start";
  const isEnvironmentOther = wanted.restart !== (had?.restart ?? NO_PROCESS_VARIABLES);
  if (isEnvironmentOther && unit.restart !== undefined) return "restart";
  if (isEnvironmentOther || wanted.reload !== had?.reload) return "reload";
  return undefined;
}

function differs({ content, place: { there } }: PlacedFile): boolean {
  return there === undefined || there.content !== content || !there.asSpecified;
}
