import { setTimeout as sleep } from "node:timers/promises";
import type { Contender } from "../contenders/contender.ts";
import type { CountingProxy } from "../counting-proxy.ts";
import { cpuSeconds, residentMb } from "../process.ts";
import type { Row, Section } from "../section.ts";

const SECONDS_PER_HOUR = 3600;

/** A contender, and the proxy that stands between it and Consul. */
export interface Observed {
  readonly contender: Contender;
  readonly proxy: CountingProxy;
}

/** What a program costs while nothing happens. All rest at the same time: they cannot be in each other's way. */
export async function atRest(observed: readonly Observed[], minutes: number): Promise<Section> {
  const before = await Promise.all(observed.map(look));
  await sleep(minutes * 60_000);
  const after = await Promise.all(observed.map(look));
  const anHour = SECONDS_PER_HOUR / (minutes * 60);
  const rows = observed.map(({ contender }, at): Row => {
    const [was, is] = [before[at], after[at]];
    const cpu = ((is?.cpu ?? Number.NaN) - (was?.cpu ?? Number.NaN)) * anHour;
    return {
      name: contender.name,
      figures: {
        "RSS MB": is?.resident ?? Number.NaN,
        "CPU s an hour": cpu,
        "% of a core": (cpu / SECONDS_PER_HOUR) * 100,
        "requests an hour": ((is?.requests ?? Number.NaN) - (was?.requests ?? Number.NaN)) * anHour,
        connections: is?.connections ?? Number.NaN,
      },
    };
  });
  return {
    title: "At rest",
    method: `After ${minutes} minutes in which nothing changed; one KV prefix and one service are watched.`,
    columns: ["RSS MB", "CPU s an hour", "% of a core", "requests an hour", "connections"],
    plotted: "RSS MB",
    rows,
  };
}

async function look({ contender, proxy }: Observed) {
  const pid = contender.pid();
  return {
    cpu: await cpuSeconds(pid),
    resident: await residentMb(pid),
    requests: proxy.requests(),
    connections: await proxy.connections(),
  };
}
