import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../world/until.ts";
import type { Ground } from "./ground.ts";
import type { Instance } from "./pair.ts";
import { type Footprint, footprintOf } from "./processes.ts";

/** How everything was before the trouble began. */
export interface Before {
  readonly variables: Readonly<Record<string, string>>;
  readonly keys: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly footprint: Footprint;
}

/** A held lock of a killed agent may keep the next one waiting: its session's TTL, twice as long in Consul, and the lock's delay. */
const CONVERGENCE_MS = 120_000;
const REST_MS = 30_000;
const MOST_SOCKETS = 7;

export async function look(ground: Ground): Promise<Before> {
  const { agent } = ground;
  return {
    variables: await agent.variables(),
    keys: await digests(join(agent.folder, "keys")),
    files: await filesOf(agent.folder),
    footprint: await footprintOf(agent.pid()),
  };
}

/** Returns once all is as it has to be, and throws with what is not. */
export async function judge(
  ground: Ground,
  before: Before,
  [database, cache]: readonly [Instance, Instance],
): Promise<void> {
  const { agent, wishes } = ground;
  const wanted = wishes.expected({
    ...before.variables,
    DB_HOST: database.proxy.host,
    DB_PORT: String(database.proxy.port),
    REDIS_HOST: cache.proxy.host,
    REDIS_PORT: String(cache.proxy.port),
  });
  await until(
    "the rendered variables to be what the sources say",
    async () => {
      const differences = compare(wanted, await agent.variables());
      if (differences.length > 0) throw new Error(differences.join("; "));
      return true;
    },
    CONVERGENCE_MS,
  );
  await until(
    "the agent to be converged without a problem",
    async () => {
      const { state, reason, problems, desired, applied } = await agent.status();
      const open = problems.map(({ code, message }) => `${code}: ${message}`);
      if (state !== "converged" || open.length > 0)
        throw new Error(`${state}, ${reason}; ${open.join("; ")}`);
      return desired === applied;
    },
    CONVERGENCE_MS,
  );
  same("the key files", before.keys, await digests(join(agent.folder, "keys")));
  await until(
    "the agent to leave no file, socket or child behind",
    async () => {
      const left = await leftBehind(ground, before);
      if (left.length > 0) throw new Error(left.join("; "));
      return true;
    },
    REST_MS,
  );
}

async function leftBehind({ agent }: Ground, before: Before): Promise<readonly string[]> {
  const known = new Set(before.files);
  const files = (await filesOf(agent.folder)).filter((file) => !known.has(file));
  const { sockets, descriptors, children } = await footprintOf(agent.pid());
  return [
    ...files.map((file) => `the file ${file}`),
    ...children.map((child) => `the child ${child}`),
    ...(sockets > MOST_SOCKETS ? [`${sockets} TCP sockets, at most ${MOST_SOCKETS} expected`] : []),
    ...(descriptors > before.footprint.descriptors + 4
      ? [`${descriptors} open descriptors, ${before.footprint.descriptors} at first`]
      : []),
  ];
}

function same(
  what: string,
  was: Readonly<Record<string, string>>,
  is: Readonly<Record<string, string>>,
): void {
  const differences = compare(was, is);
  if (differences.length > 0) throw new Error(`${what} changed: ${differences.join("; ")}`);
}

function compare(
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): readonly string[] {
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...names]
    .filter((name) => wanted[name] !== found[name])
    .map((name) => `${name} is ${found[name] ?? "absent"} instead of ${wanted[name] ?? "absent"}`);
}

async function filesOf(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

async function digests(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder);
  const pairs = names.map(async (name) => {
    const bytes = await readFile(join(folder, name));
    return [name, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(pairs));
}
