import { setTimeout as sleep } from "node:timers/promises";
import { type RedisServer, startRedis } from "../../test/world/redis.ts";
import type { Contender, Ground } from "../contenders/contender.ts";
import type { Row, Section } from "../section.ts";
import { FileWatch } from "../seen.ts";
import { median, quantile } from "../statistics.ts";

const ROUNDS = 40;
/** Endpoints do not move more often: a watch that is asked faster than 40 times a second slows down on purpose. */
const PAUSE_MS = 250;

/** From the moment that Consul has taken the news that the endpoint in use is critical to the bytes that name the other one. */
export async function endpointMove(ground: Ground, contenders: readonly Contender[]): Promise<Section> {
  await using first = await startRedis();
  await using second = await startRedis();
  const rows: Row[] = [];
  for (const contender of contenders) {
    const times = await moveToAndFro(ground, contender, [first, second]);
    rows.push({
      name: contender.name,
      figures: { p50: median(times), p99: quantile(times, 0.99), rounds: times.length },
    });
  }
  return {
    title: "Endpoint move",
    method:
      "Two real Redis; the check of the one in use turns critical, the other passes: from Consul's acknowledgement to the bytes, ms.",
    columns: ["p50", "p99", "rounds"],
    plotted: "p50",
    rows,
  };
}

async function moveToAndFro(
  { consul }: Ground,
  contender: Contender,
  servers: readonly [RedisServer, RedisServer],
): Promise<readonly number[]> {
  using file = new FileWatch(contender.file);
  const instances = servers.map(({ host, port }, at) => ({
    id: `${contender.service}-${at}`,
    service: contender.service,
    address: host,
    port,
  }));
  const line = (at: number) => `REDIS_PORT=${instances[at]?.port}\n`;
  const [one, other] = instances;
  if (one === undefined || other === undefined) throw new Error("there are two instances");
  await consul.register({ ...one, status: "passing" });
  await file.until(line(0));
  await consul.register({ ...other, status: "passing" });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const moved = file.until(line(1));
    await consul.setCheck(one, "critical");
    const acknowledgedMs = performance.now();
    times.push((await moved) - acknowledgedMs);
    // The way back is not measured: who takes the first of the list moves as soon as that one passes.
    const back = file.until(line(0));
    await consul.setCheck(one, "passing");
    await consul.setCheck(other, "critical");
    await back;
    await consul.setCheck(other, "passing");
    await sleep(PAUSE_MS);
  }
  return times;
}
