/** What has to be done to bring disk and units to the desired state. Pure: it looks at nothing itself. */
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
  /** Units, if it is known which ones read the file. */
  readonly readBy?: readonly string[];
}

export interface Desired {
  readonly digest: string;
  readonly files: readonly DesiredFile[];
  /** What each unit should be running with. A unit that is not named here is left alone. */
  readonly units: ReadonlyMap<string, UnitDigests>;
}

/** Where a file goes and what is there now. */
export interface Place {
  /** The path that is replaced: if the entry's path is a link, its target. */
  readonly target: string;
  /** What the entry asks for. */
  readonly asked: Permissions;
  /** Undefined if there is no file. */
  readonly there: CurrentFile | undefined;
}

/** A file with everything needed to put it back. */
export interface CurrentFile extends Required<Permissions> {
  readonly bytes: Uint8Array;
  readonly content: string;
  /** Whether mode, owner and group are what the file's entry asks for. */
  readonly asSpecified: boolean;
}

export interface PlacedFile extends DesiredFile {
  readonly place: Place;
}

/** The desired state beside the actual one: one look serves to plan, write and roll back a change. */
export interface Placed extends Desired {
  readonly files: readonly PlacedFile[];
}

/**
 * `unknown` is treated as running: a reload that fails says so, a second copy of a program does not. `ill`: its health
 * command fails, and there is no pidfile to show whether it is down, or up with something that makes it ill.
 */
export type Running = "running" | "stopped" | "ill" | "unknown";

export interface Action {
  readonly unit: UnitSpec;
  readonly kind: "reload" | "restart" | "start";
  readonly wanted: UnitDigests;
  /** What the unit ran with before, as far as that was remembered. */
  readonly had: UnitDigests | undefined;
  /** Whether the unit ran before; the failure of one that did not says nothing about the new files. */
  readonly was: Running;
}

/** Whether acting on the unit may disturb somebody. */
export function mayServe({ was }: Pick<Action, "was">): boolean {
  return was === "running" || was === "unknown";
}

export interface Plan {
  readonly writes: readonly PlacedFile[];
  readonly actions: readonly Action[];
  /** The old files name a dead endpoint, so going back to them would help nobody. */
  readonly isOneWay?: boolean;
  /** The endpoint in use is dead or demoted. */
  readonly isUrgent?: boolean;
}

/**
 * The `restart` digest of a unit that needs nothing in its process environment. A unit about which nothing is known is
 * assumed to have none of ours there, so that an agent that meets a running site reloads it instead of restarting it.
 */
export const NO_PROCESS_VARIABLES = "none";

/** Means "not known what it runs with": no digest is empty, so the unit stays concerned. */
const UNKNOWN = "";

/**
 * syslog-ng first, because what is logged while it is down is lost. Then sidekiq, because its jobs fail quietly, and
 * streaming after web, because its clients must come back to a web with the new values.
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
 * The same if the endpoint in use is dead or demoted: sidekiq comes last. It gets time for its jobs and retries them,
 * while users see errors until web has the new endpoint.
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
 * The part of a plan that is done while it is not known what should be in the files: they stay, and what is down is
 * started with them. What it then runs with is not known.
 */
export function startsOf({ actions }: Plan): Plan {
  const down = actions.filter((action) => !mayServe(action));
  return { writes: [], actions: down.map((action) => ({ ...action, wanted: unsettled(action) })) };
}

/** What may be recorded about a unit from the moment its files change until it is verified. */
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
 * An ill unit counts as stopped if a reload would bring it nothing new: it has what it should run with, or nothing was
 * ever done to it. Otherwise the reload may cure it, and `act` starts it if it does not.
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
