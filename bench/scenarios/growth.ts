import { setTimeout as sleep } from "node:timers/promises";
import { QUICK, startAgentContender } from "../contenders/agent.ts";
import type { Contender, Ground } from "../contenders/contender.ts";
import { residentMb } from "../process.ts";
import type { Row, Section } from "../section.ts";
import { FileWatch } from "../seen.ts";
import { growthExponent, median } from "../statistics.ts";

const KEYS = [10, 100, 1000] as const;
const INSTANCES = [1, 10, 100] as const;
const ROUNDS = 30;
/** A watch that is asked faster than 40 times a second slows down on purpose, which is not what is measured here. */
const PAUSE_MS = 100;

/** How time and memory grow with the KV prefix and with the instances of a service. */
export async function growth(ground: Ground): Promise<Section> {
  const keys = await measured(KEYS, "keys below the prefix", (count) => withKeys(ground, count));
  const instances = await measured(INSTANCES, "instances of a service", (count) =>
    withInstances(ground, count),
  );
  return {
    title: "Growth",
    method:
      "Put to disk against what is watched. The exponent is that of the power law that fits best: 0 is none, 1 is linear.",
    columns: ["put to disk p50", "RSS MB", "time exponent", "memory exponent"],
    rows: [...keys, ...instances],
  };
}

interface Measured {
  readonly ms: number;
  readonly mb: number;
}

async function measured(
  counts: readonly number[],
  what: string,
  measure: (count: number) => Promise<Measured>,
): Promise<readonly Row[]> {
  const results: (readonly [count: number, measured: Measured])[] = [];
  for (const count of counts) results.push([count, await measure(count)]);
  const exponent = (figure: keyof Measured) =>
    growthExponent(results.map(([count, result]) => [count, result[figure]]));
  return results.map(([count, { ms, mb }], at) => ({
    name: `${count} ${what}`,
    figures: {
      "put to disk p50": ms,
      "RSS MB": mb,
      ...(at === results.length - 1 && {
        "time exponent": exponent("ms"),
        "memory exponent": exponent("mb"),
      }),
    },
  }));
}

/** Settings of other nodes: they are all read, and none concerns this one. */
async function withKeys(ground: Ground, count: number): Promise<Measured> {
  await using agent = await startAgentContender(ground, { name: `keys-${count}`, pace: QUICK });
  const prefix = agent.key.replace(/\/settings\/.*$/, "");
  for (let other = 0; other < count; other++)
    await ground.consul.put(`${prefix}/nodes/other-${other}/settings/MAILPORT`, "587");
  return await puts(ground, agent);
}

async function withInstances(ground: Ground, count: number): Promise<Measured> {
  await using agent = await startAgentContender(ground, { name: `instances-${count}`, pace: QUICK });
  for (let one = 0; one < count; one++)
    await ground.consul.register({
      id: `${agent.service}-${String(one).padStart(3, "0")}`,
      service: agent.service,
      address: `10.0.0.${one + 1}`,
      port: 6379,
      status: "passing",
    });
  return await puts(ground, agent);
}

async function puts({ consul }: Ground, agent: Contender): Promise<Measured> {
  using file = new FileWatch(agent.file);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const value = String(20_000 + round);
    const onDisk = file.until(agent.line(value));
    await consul.put(agent.key, value);
    const acknowledgedMs = performance.now();
    times.push((await onDisk) - acknowledgedMs);
    await sleep(PAUSE_MS);
  }
  return { ms: median(times), mb: await residentMb(agent.pid()) };
}
