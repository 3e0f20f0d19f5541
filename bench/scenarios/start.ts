import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { HOSTS, startAgent } from "../../test/world/agent.ts";
import type { ConsulServer } from "../../test/world/consul.ts";
import { BUNDLE } from "../contenders/agent.ts";
import type { Section } from "../section.ts";
import { FileWatch } from "../seen.ts";
import { median, quantile } from "../statistics.ts";

const ROUNDS = 12;

/** From the start of the process to the first render (Consul answers), and to the start of its units (Consul is away). */
export async function startUp(consul: ConsulServer): Promise<Section> {
  const [withConsul, without] = [await firstRenders(consul), await startsWithoutConsul(consul)];
  return {
    title: "Start",
    method: "From the start of the process, ms. Keys and state are there already.",
    columns: ["p50", "p99", "rounds"],
    plotted: "p50",
    rows: [
      { name: "to the first render, Consul answers", figures: figures(withConsul) },
      { name: "to the start of a unit, Consul away", figures: figures(without) },
    ],
  };
}

/** The keys of each domain are pinned in Consul. */
function ownSite() {
  return { ...HOSTS, DOMAIN: `${randomUUID()}.example.org` };
}

function figures(times: readonly number[]) {
  return { p50: median(times), p99: quantile(times, 0.99), rounds: times.length };
}

async function firstRenders(consul: ConsulServer): Promise<readonly number[]> {
  await using agent = await startAgent({
    consul,
    environment: ownSite(),
    config: { units: {} },
    logLevel: "warn",
    program: BUNDLE,
  });
  await agent.converged();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await agent.stop();
    await agent.removeEnvFile();
    using file = new FileWatch(agent.envFile);
    const rendered = file.until("SMTP_PORT=");
    const began = performance.now();
    await agent.start();
    times.push((await rendered) - began);
    await agent.converged();
  }
  return times;
}

/** The unit's pidfile names nobody, so it is started by a step that leaves a mark. */
async function startsWithoutConsul(consul: ConsulServer): Promise<readonly number[]> {
  let mark = "";
  await using agent = await startAgent({
    consul,
    environment: ownSite(),
    logLevel: "warn",
    program: BUNDLE,
    config: (folder) => {
      mark = `${folder}/marks/started`;
      const start = [{ run: ["sh", "-c", `echo started > ${mark}`] }];
      const reload = [{ signal: "HUP", pidfile: `${folder}/web.pid` }];
      return { consul: { agent: "external" }, units: { web: { reload, start } } };
    },
    prepare: (folder) => mkdir(`${folder}/marks`),
  });
  await agent.converged();
  await agent.stop();
  await consul.stop();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await rm(mark, { force: true });
    using file = new FileWatch(mark);
    const started = file.until("started");
    const began = performance.now();
    await agent.start();
    times.push((await started) - began);
    await agent.stop();
  }
  await consul.start();
  return times;
}
