import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { until } from "../world/until.ts";
import { READINGS, type Reading } from "./rails-values.ts";

const CHECKOUT = process.env["MASTODON"] ?? "";

test("what is accepted from KV is what Mastodon's own configuration reads, and the rest is refused", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: { dependencies: UNPROBED, reload: { min_interval: "0ms" } },
  });
  await agent.converged();
  const rounds = Math.max(...READINGS.map(({ values, refused = [] }) => values.length + refused.length));
  for (let round = 0; round < rounds; round += 1) await playRound(consul, agent, round);
}, 300_000);

/** The n-th value of every key at once, and what Mastodon and the agent make of each. */
async function playRound(consul: ConsulServer, agent: TestAgent, round: number): Promise<void> {
  const put = READINGS.flatMap((reading) => {
    const { key, values, refused = [], as = (text: string): unknown => text } = reading;
    const value = [...values, ...refused][round];
    if (value === undefined) return [];
    return [
      { reading, value, title: `${key} = ${value}`, read: round < values.length ? as(value) : REFUSED },
    ];
  });
  for (const { reading, value } of put) await consul.put(`mastodon/${reading.key}`, value);
  const mark = `round-${round}`;
  await consul.put("mastodon/env/S3_KEY_PREFIX", mark);
  await until(mark, async () => (await agent.variables())["S3_KEY_PREFIX"] === mark);
  const { problems } = await agent.converged();
  const found = await railsReads(agent);
  const wanted = put.map(({ title, read }) => [title, read]);
  const seen = put.map(({ reading, title }) => {
    const isRefused = problems.some(({ about }) => about === `mastodon/${reading.key}`);
    return [title, isRefused ? REFUSED : valueAt(found, reading)];
  });
  expect(seen).toEqual(wanted);
}

const REFUSED = Symbol("refused");

async function railsReads({ envFile }: TestAgent): Promise<unknown> {
  const script = path.join(import.meta.dirname, "rails-configuration.rb");
  return JSON.parse(await run(program("ruby"), [script, CHECKOUT, envFile], { env: {} }));
}

function valueAt(found: unknown, { at }: Reading): unknown {
  return at.reduce<unknown>((value, name) => {
    if (typeof value !== "object" || value === null) return undefined;
    return Object.entries(value).find(([key]) => key === name)?.[1];
  }, found);
}
