/** Keeps the registrations with the local client as wanted: it reads first, and writes only what differs. */
import { isDeepStrictEqual } from "node:util";
import type { CheckDefinition, CheckStatus, ConsulClient, LocalCheck, LocalService } from "./client.ts";
import { ConsulError } from "./errors.ts";

/** What is reported for a TTL check. */
export interface CheckState {
  readonly status: CheckStatus;
  readonly output: string;
  /** Nothing is known yet: if the check exists, its status stays. */
  readonly isUnknown?: boolean;
  /**
   * Other nodes should see a new output at once; otherwise Consul holds it back for minutes while the status stays the
   * same.
   */
  readonly isPrompt?: boolean;
}

export type WantedCheck = { readonly name: string } & (
  | { readonly kind: "http" | "tcp"; readonly target: string }
  | { readonly kind: "ttl"; readonly ttlMs: number; readonly state: CheckState }
);

export interface WantedService extends LocalService {
  readonly checks: readonly WantedCheck[];
  /** Not registered while somebody else has registered a service with this name. */
  readonly yields?: boolean;
}

export interface Announcement {
  readonly client: Pick<ConsulClient, "localServices" | "localChecks" | "register" | "deregister" | "tell">;
  /** The registrant: what carries this name and is no longer wanted is removed. */
  readonly owner: string;
  readonly wanted: readonly WantedService[];
  readonly signal: AbortSignal;
}

/** As in the client's shipped configuration. */
const INTERVAL_MS = 10_000;
const TIMEOUT_MS = 5_000;
const OWNER = "registered-by";

/**
 * One look, and what follows from it. A denied service does not prevent the others.
 * @throws ConsulError
 */
export async function announce({ client, owner, wanted, signal }: Announcement): Promise<void> {
  const services = await client.localServices(signal);
  const checks = await client.localChecks(signal);
  const here = wanted.filter((service) => !service.yields || !isTaken(service, services));
  const gone = services.filter(
    ({ id, meta }) => meta[OWNER] === owner && !here.some((service) => service.id === id),
  );
  await eachAllowed([
    ...gone.map(
      ({ id }) =>
        () =>
          client.deregister(id, signal),
    ),
    ...here.map((service) => () => bringUp(client, owned(service, owner), { services, checks }, signal)),
  ]);
}

/**
 * Reports the state of each TTL check, and reads nothing. One that is no longer refreshed turns critical by itself when
 * its time is up.
 * @throws ConsulError also if a check is not registered
 */
export async function tellStates({ client, wanted, signal }: Omit<Announcement, "owner">): Promise<void> {
  for (const service of wanted) {
    for (const check of service.checks)
      if (check.kind === "ttl")
        await client.tell(idOf(service, check), check.state.status, check.state.output, signal);
  }
}

/** Somebody else's, and not that of another agent at the same client. */
function isTaken({ name }: WantedService, services: readonly LocalService[]): boolean {
  return services.some((other) => other.name === name && other.meta[OWNER] === undefined);
}

function owned(service: WantedService, owner: string): WantedService {
  return { ...service, meta: { ...service.meta, [OWNER]: owner } };
}

interface Found {
  readonly services: readonly LocalService[];
  readonly checks: readonly LocalCheck[];
}

async function bringUp(
  client: Announcement["client"],
  service: WantedService,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  const { checks: wantedChecks, yields: _, ...registration } = service;
  const foundChecks = found.checks.filter((check) => check.service === service.id);
  const before = found.services.find(({ id }) => id === service.id);
  const definitions = wantedChecks.map((check) => definitionOf(service, check));
  const register = () => client.register(registration, definitions, signal);
  if (!isDeepStrictEqual(sorted(before), sorted(registration)) || !areSame(foundChecks, definitions)) {
    // Checks that are no longer wanted would stay.
    const hasOthers = foundChecks.some(({ id }) => !definitions.some((definition) => definition.id === id));
    if (hasOthers) await client.deregister(service.id, signal);
    await register();
  }
  for (const check of wantedChecks) {
    if (check.kind !== "ttl") continue;
    const id = idOf(service, check);
    const was = foundChecks.find((known) => known.id === id);
    const { status, output } = check.state.isUnknown && was !== undefined ? was : check.state;
    await client.tell(id, status, output, signal);
    // A new registration is sent to the servers as a whole.
    const isKeptBack = was?.status === status && was.output !== output;
    if (isKeptBack && check.state.isPrompt) await register();
  }
}

/** The kind is part of the ID: under one ID Consul would keep running the old kind beside the new. */
function idOf({ id }: LocalService, { kind }: WantedCheck): string {
  return `${id}:${kind}`;
}

/** The notes say what is checked, for readers, and so that a changed definition can be recognised. */
function definitionOf(service: LocalService, check: WantedCheck): CheckDefinition {
  const common = { id: idOf(service, check), name: check.name };
  if (check.kind === "ttl")
    return {
      ...common,
      ttlMs: check.ttlMs,
      notes: `reported by mastodon-agent, valid for ${check.ttlMs / 1000}s`,
    };
  const notes = `${check.kind} ${check.target}, checked by Consul every ${INTERVAL_MS / 1000}s`;
  const pace = { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS };
  return check.kind === "http"
    ? { ...common, notes, http: check.target, ...pace }
    : { ...common, notes, tcp: check.target, ...pace };
}

function areSame(found: readonly LocalCheck[], wanted: readonly CheckDefinition[]): boolean {
  const essence = (checks: readonly Pick<LocalCheck, "id" | "name" | "notes">[]) =>
    checks.map(({ id, name, notes }) => `${id}\n${name}\n${notes}`).sort();
  return isDeepStrictEqual(essence(found), essence(wanted));
}

function sorted(service: LocalService | undefined) {
  return service && { ...service, tags: [...service.tags].sort() };
}

/** Does each; if one was denied, that is thrown when the others are done. */
async function eachAllowed(steps: readonly (() => Promise<void>)[]): Promise<void> {
  let denial: ConsulError | undefined;
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof ConsulError) || error.kind !== "denied") throw error;
      denial ??= error;
    }
  }
  if (denial !== undefined) throw denial;
}
