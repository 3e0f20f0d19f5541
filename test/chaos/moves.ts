import type { Fault } from "../world/tcp-proxy.ts";
import { type Ground, UNITS } from "./ground.ts";
import type { Instance, Pair } from "./pair.ts";
import type { Random } from "./random.ts";
import { badWish, birth, goodWish, remedy } from "./wishes.ts";

/** Something that befalls the world, or that somebody does in it. */
export interface Move {
  readonly name: string;
  /** Its share of all moves. */
  readonly weight: number;
  /** Whether it can only be done while Consul's server is up, or only while it is down. */
  readonly server?: "up" | "down";
  /** Draws from the random numbers what it needs, whatever state the world is in, so that a seed can be replayed. */
  readonly make: (ground: Ground, random: Random) => Promise<unknown>;
}

const FAULTS: readonly [Fault, ...Fault[]] = [
  "pass",
  "pass",
  { delayMs: 200 },
  "cut",
  "reset",
  "refuse",
  "half-open",
];
const STATUSES = ["passing", "passing", "warning", "critical"] as const;

export const MOVES: readonly Move[] = [
  {
    name: "put a good value",
    weight: 20,
    server: "up",
    make: (ground, random) => put(ground, goodWish(random)),
  },
  {
    name: "put a bad value",
    weight: 8,
    server: "up",
    make: (ground, random) => put(ground, badWish(random)),
  },
  {
    name: "put many values at once",
    weight: 3,
    server: "up",
    make: (ground, random) => {
      const wishes = Array.from({ length: random.integer(5, 30) }, () => goodWish(random));
      return Promise.all([...new Map(wishes)].map((wish) => put(ground, wish)));
    },
  },
  {
    name: "delete a key",
    weight: 8,
    server: "up",
    make: async ({ consul, wishes }, random) => {
      const { entries } = wishes;
      const [key] = entries[random.integer(0, entries.length - 1)] ?? [];
      if (key === undefined) return;
      wishes.forget(key);
      await consul.delete(key);
    },
  },
  {
    name: "delete the prefix and put it back",
    weight: 2,
    server: "up",
    make: async ({ consul, wishes }, random) => {
      await consul.deleteRecursively("mastodon");
      await pause(random.integer(0, 800));
      for (const [key, value] of wishes.entries) await consul.put(key, value);
    },
  },
  {
    name: "hold",
    weight: 2,
    server: "up",
    make: ({ consul }) => consul.put("mastodon/control/hold", "maintenance"),
  },
  {
    name: "end the hold",
    weight: 4,
    server: "up",
    make: ({ consul }) => consul.delete("mastodon/control/hold"),
  },
  {
    name: "ask for a reload",
    weight: 3,
    server: "up",
    make: ({ consul }, random) => consul.put("mastodon/control/reload", String(random.integer(1, 1e9))),
  },
  { name: "fail over", weight: 6, server: "up", make: onPair(failOver) },
  { name: "swap the roles", weight: 5, server: "up", make: onPair(swap) },
  { name: "a check changes", weight: 8, server: "up", make: onPair(changeCheck) },
  { name: "a tag changes", weight: 4, server: "up", make: onPair(changeTag) },
  { name: "an instance goes or comes", weight: 4, server: "up", make: onPair(comeOrGo) },
  { name: "a backend stops or starts", weight: 6, make: onPair(stopOrStart) },
  {
    name: "a fault between agent and backend",
    weight: 5,
    make: onPair(async (pair, random) => one(pair, random).proxy.set(random.pick(FAULTS))),
  },
  {
    name: "a fault between agent and Consul",
    weight: 8,
    make: ({ proxy }, random) => proxy.set(random.pick(FAULTS)),
  },
  {
    name: "no fault between agent and Consul",
    weight: 8,
    make: ({ proxy }) => proxy.set("pass"),
  },
  {
    name: "Consul's server goes",
    weight: 2,
    server: "up",
    make: async (ground) => {
      ground.isConsulUp = false;
      await ground.consul.stop();
    },
  },
  {
    name: "Consul's server comes back",
    weight: 20,
    server: "down",
    make: async (ground) => {
      await ground.consul.start();
      ground.isConsulUp = true;
    },
  },
  {
    name: "Consul's client restarts",
    weight: 2,
    make: async ({ client }, random) => {
      await (random.chance(0.5) ? client.kill() : client.stop());
      await pause(random.integer(0, 1_500));
      await client.start();
    },
  },
  {
    name: "the agent is killed",
    weight: 4,
    make: async ({ agent, wishes }, random) => {
      await pause(random.integer(0, 200));
      agent.signal("SIGKILL");
      await agent.exited();
      await pause(random.integer(0, 500));
      await agent.start(wishes.environment);
    },
  },
  {
    name: "the agent is restarted with another environment",
    weight: 3,
    make: async ({ agent, wishes }, random) => {
      wishes.bear(birth(random));
      await agent.stop();
      await agent.start(wishes.environment);
    },
  },
  {
    name: "a unit's reload breaks or is repaired",
    weight: 4,
    make: ({ breakUnit }, random) => breakUnit(random.pick(UNITS), random.chance(0.15)),
  },
];

/** What the moves left broken is whole again, in random order of roles; what nobody can take is withdrawn. */
export async function heal(ground: Ground, random: Random): Promise<readonly [Instance, Instance]> {
  const { consul, client, proxy, wishes, postgres, redis } = ground;
  if (!ground.isConsulUp) await consul.start();
  ground.isConsulUp = true;
  await client.start();
  await client.ready();
  await proxy.set("pass");
  for (const unit of UNITS) await ground.breakUnit(unit, false);
  await consul.delete("mastodon/control/hold");
  await consul.put("mastodon/control/reload", "all is well again");
  for (const key of wishes.badKeys) {
    wishes.forget(key);
    await consul.delete(key);
  }
  for (const key of wishes.goodKeys) await put(ground, [key, remedy(key, random)]);
  return [await postgres.heal(random), await redis.heal(random)];
}

/** In a whole world the other instance of each pair becomes the primary: who they are. */
export async function swapAll({ postgres, redis }: Ground): Promise<readonly [Instance, Instance]> {
  return [await swap(postgres), await swap(redis)];
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function put({ consul, wishes }: Ground, [key, value]: readonly [string, string]): Promise<void> {
  wishes.note(key, value);
  await consul.put(key, value);
}

function onPair(make: (pair: Pair, random: Random) => Promise<unknown>): Move["make"] {
  return ({ postgres, redis }, random) => make(random.pick([postgres, redis]), random);
}

function one({ instances }: Pair, random: Random): Instance {
  return random.pick(instances);
}

function roles({ instances: [first, second] }: Pair): readonly [primary: Instance, replica: Instance] {
  return first.tag === "primary" ? [first, second] : [second, first];
}

async function failOver(pair: Pair): Promise<void> {
  const [primary, replica] = roles(pair);
  await pair.stop(primary);
  await pair.start(replica);
  await pair.lead(replica, primary);
}

async function swap(pair: Pair): Promise<Instance> {
  const [primary, replica] = roles(pair);
  await pair.lead(replica, primary);
  return replica;
}

async function changeCheck(pair: Pair, random: Random): Promise<void> {
  const instance = one(pair, random);
  instance.status = random.pick(STATUSES);
  await pair.register(instance);
}

async function changeTag(pair: Pair, random: Random): Promise<void> {
  const instance = one(pair, random);
  instance.tag = random.pick(["primary", "replica"]);
  await pair.register(instance);
}

async function comeOrGo(pair: Pair, random: Random): Promise<void> {
  const instance = one(pair, random);
  await (instance.isRegistered ? pair.deregister(instance) : pair.register(instance));
}

async function stopOrStart(pair: Pair, random: Random): Promise<void> {
  const instance = one(pair, random);
  await (instance.isUp ? pair.stop(instance) : pair.start(instance));
}
