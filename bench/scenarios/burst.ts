import { setTimeout as sleep } from "node:timers/promises";
import type { Contender, Ground } from "../contenders/contender.ts";
import { cpuSeconds } from "../process.ts";
import type { Row, Section } from "../section.ts";
import { FileWatch } from "../seen.ts";

const PUTS = 1000;
const SPREAD_MS = 5000;
/** Nothing is waited for longer: what is not right by then is wrong. */
const DEADLINE_MS = 60_000;

/** A thousand puts in five seconds: how often a program renders and reloads, what that costs, and whether the last value is there. */
export async function burst(ground: Ground, contenders: readonly Contender[]): Promise<Section> {
  const rows: Row[] = [];
  for (const contender of contenders) rows.push(await burstOn(ground, contender));
  return {
    title: "Burst",
    method: `${PUTS} puts within ${SPREAD_MS / 1000} s; right is whether the last value was in force in the end.`,
    columns: ["reloads", "renders", "CPU s", "right", "last put to disk ms"],
    plotted: "reloads",
    rows,
  };
}

async function burstOn({ consul }: Ground, contender: Contender): Promise<Row> {
  using file = new FileWatch(contender.file);
  const reloadsBefore = await contender.reloads();
  const cpuBefore = await cpuSeconds(contender.pid());
  const beganMs = performance.now();
  const last = String(50_000 + PUTS);
  for (let put = 1; put < PUTS; put++) {
    await consul.put(contender.key, String(50_000 + put));
    const aheadMs = (put * SPREAD_MS) / PUTS - (performance.now() - beganMs);
    if (aheadMs > 1) await sleep(aheadMs);
  }
  const onDisk = file.until(contender.line(last));
  await consul.put(contender.key, last);
  const lastMs = performance.now();
  const seenMs = await Promise.race([onDisk, sleep(DEADLINE_MS).then(() => undefined)]);
  // A reload that still has to come is part of the burst.
  await sleep(5000);
  return {
    name: contender.name,
    figures: {
      reloads: (await contender.reloads()) - reloadsBefore,
      renders: file.renders,
      "CPU s": (await cpuSeconds(contender.pid())) - cpuBefore,
      right: seenMs === undefined ? "no" : "yes",
      "last put to disk ms": seenMs === undefined ? "never" : seenMs - lastMs,
    },
  };
}
