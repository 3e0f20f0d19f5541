import * as z from "zod";
import { changeSchema } from "../../src/report/change.ts";
import type { AgentContender } from "../contenders/agent.ts";
import type { Ground } from "../contenders/contender.ts";
import type { Section } from "../section.ts";
import { FileWatch } from "../seen.ts";
import { median, quantile } from "../statistics.ts";

const ROUNDS = 40;

/** Where the time of one change goes, by the spans that the agent itself records of every change. */
export async function stages({ consul }: Ground, contender: AgentContender): Promise<Section> {
  using file = new FileWatch(contender.file);
  for (let round = 0; round < ROUNDS; round++) {
    const value = String(40_000 + round);
    const onDisk = file.until(contender.line(value));
    await consul.put(contender.key, value);
    await onDisk;
    await contender.agent.converged();
  }
  const spans = await spansOf(contender);
  const rows = [...spans].map(([name, times]) => ({
    name,
    figures: { p50: median(times), p99: quantile(times, 0.99), rounds: times.length },
  }));
  return {
    title: "Where the time goes",
    method: "The stages of a change with one unit, by the agent's own record, ms.",
    columns: ["p50", "p99", "rounds"],
    rows,
  };
}

async function spansOf({ agent }: AgentContender): Promise<ReadonlyMap<string, readonly number[]>> {
  const changes = z.array(changeSchema).parse(await (await fetch(`${agent.url}/history`)).json());
  const spans = new Map<string, number[]>();
  for (const { spans: all } of changes.slice(-ROUNDS)) {
    for (const { stage, ms } of all) spans.set(stage, [...(spans.get(stage) ?? []), ms]);
  }
  return spans;
}
