import { setTimeout as sleep } from "node:timers/promises";
import type { Contender, Ground } from "../contenders/contender.ts";
import { holdQuery } from "../floor.ts";
import type { Row, Section } from "../section.ts";
import { FileWatch } from "../seen.ts";
import { median, quantile } from "../statistics.ts";

const SPACINGS = [
  { spacingMs: 50, rounds: 100 },
  { spacingMs: 200, rounds: 60 },
  { spacingMs: 2000, rounds: 15 },
] as const;

/** A block of one contender is followed by a block of the next, so that a machine that slows down slows all. */
const BLOCKS = 3;

interface Times {
  readonly floorMs: number[];
  readonly diskMs: number[];
}

/** From the acknowledgement of a put to the new bytes under the final name. */
export async function putToDisk(ground: Ground, contenders: readonly Contender[]): Promise<Section> {
  const rows: Row[] = [];
  for (const { spacingMs, rounds } of SPACINGS) {
    const times = new Map(contenders.map(({ name }): [string, Times] => [name, { floorMs: [], diskMs: [] }]));
    for (let block = 0; block < BLOCKS; block++) {
      for (const contender of contenders) {
        await putMany(ground, contender, spacingMs, Math.ceil(rounds / BLOCKS), times.get(contender.name));
      }
    }
    const floorMs = [...times.values()].flatMap((each) => each.floorMs);
    rows.push(row(`a bare blocking query, every ${spacingMs} ms`, floorMs, floorMs));
    for (const [name, each] of times)
      rows.push(row(`${name}, every ${spacingMs} ms`, each.diskMs, each.floorMs));
  }
  return {
    title: "Put to disk",
    method:
      "From the acknowledgement of a put to the new bytes under the final name, ms; `over floor` is pair by pair.",
    columns: ["p50", "p99", "over floor p50", "rounds"],
    plotted: "p50",
    rows,
  };
}

function row(name: string, diskMs: readonly number[], floorMs: readonly number[]): Row {
  const over = diskMs.map((ms, at) => ms - (floorMs[at] ?? Number.NaN));
  return {
    name,
    figures: {
      p50: median(diskMs),
      p99: quantile(diskMs, 0.99),
      "over floor p50": median(over),
      rounds: diskMs.length,
    },
  };
}

async function putMany(
  { consul }: Ground,
  contender: Contender,
  spacingMs: number,
  rounds: number,
  times: Times | undefined,
): Promise<void> {
  using file = new FileWatch(contender.file);
  for (let round = 0; round < rounds; round++) {
    const value = String(1 + Math.floor(Math.random() * 65_000));
    const answered = await holdQuery(consul.address, `/v1/kv/${contender.key}?`);
    const next = sleep(spacingMs);
    const onDisk = file.until(contender.line(value));
    await consul.put(contender.key, value);
    const acknowledgedMs = performance.now();
    times?.floorMs.push((await answered()) - acknowledgedMs);
    times?.diskMs.push((await onDisk) - acknowledgedMs);
    await next;
  }
}
