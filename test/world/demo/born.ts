import { stat } from "node:fs/promises";
import { join } from "node:path";
import { MASTODON_UNITS } from "../mastodon.ts";
import { DOMAIN, NODE } from "./config.ts";
import { type Stage, verify } from "./stage.ts";

/** From nothing to a Mastodon that works with the backends of the catalogue. */
export async function born(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const { agent } = world;
  const joined = await stage.logged("joined the cluster", 0);
  await verifyMembership(stage);
  screen.verified(
    `${NODE} has joined ${world.consul.host} with the gossip key, ${joined.time - agent.startedMs} ms after the agent's start`,
  );

  const applied = await stage.logged("change applied", 0);
  verify(applied.units?.length === MASTODON_UNITS.length, "the agent started all units");
  screen.verified(`keys created and pinned: ${(await keysOf(stage)).join(", ")}`);
  const { file, boots } = await stage.look();
  screen.verified(`.env.production rendered: ${file.size} variables`);
  verify(
    Object.values(boots).every((count) => count === 1),
    "every unit booted once",
  );
  screen.verified(
    `started: ${applied.units?.join(", ")}; all healthy ${applied.time - agent.startedMs} ms after the agent's start`,
  );
  await stage.until(
    "the agent to converge",
    async () => (await agent.status()).state === "converged" || undefined,
  );
  await verifyBackends(stage);
}

/** As the server sees it, and as the agent does. */
async function verifyMembership({ world }: Stage): Promise<void> {
  const members = JSON.stringify(await world.consul.request("GET", "/v1/agent/members"));
  verify(members.includes(`"Name":"${NODE}"`), "the server knows the agent's node");
  const keyring = JSON.stringify(await world.consul.request("GET", "/v1/operator/keyring"));
  verify(
    keyring.includes(`"Keys":{"${world.consul.gossipKey}":2}`),
    "both nodes have one and the same gossip key",
  );
  const { consul } = await world.agent.status();
  verify(consul.joined && consul.members === 2, "the agent knows that it has joined");
}

async function keysOf({ world: { agent, consul } }: Stage): Promise<readonly string[]> {
  const { keys } = await agent.status();
  for (const [name, fingerprint] of Object.entries(keys)) {
    const { mode } = await stat(join(agent.keysFolder, name));
    verify((mode & 0o777) === 0o600, `only its owner reads ${name}`);
    const pin = await consul.get(`mastodon-agent/${DOMAIN}/keys/${name}`);
    verify(pin === fingerprint, `${name} is pinned in Consul`);
  }
  verify(Object.keys(keys).length === 4, "there are four key files");
  return Object.keys(keys);
}

/** Mastodon's own word: it is asked which servers it talks to, and does a job. */
async function verifyBackends(stage: Stage): Promise<void> {
  const { mastodon, postgres, redis1 } = stage.world;
  const [database, redis] = await Promise.all([mastodon.ask("/db"), mastodon.ask("/redis")]);
  verify(names(database, postgres), "web uses the Postgres of the catalogue");
  verify(names(redis, redis1), "web uses the first Redis of the catalogue");
  await mastodon.ask("/enqueue?hello");
  await stage.until(
    "sidekiq to do a job",
    async () => (await mastodon.jobs()).includes("hello") || undefined,
  );
  stage.screen.verified(
    `web works with Postgres ${postgres.host}:${postgres.port} and Redis ${redis1.host}:${redis1.port}, sidekiq does its jobs`,
  );
}

/** Whether the answer of web names that server. */
export function names(
  answer: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): boolean {
  const text = JSON.stringify(answer);
  return text.includes(`"host":"${host}"`) && text.includes(`"port":"${port}"`);
}
