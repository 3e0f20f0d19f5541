import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { temporaryFolder } from "../../test/world/temporary.ts";
import { until } from "../../test/world/until.ts";
import { type AgentContender, startAgentContender, USUAL } from "../contenders/agent.ts";
import type { Ground } from "../contenders/contender.ts";
import { cpuSeconds, residentMb } from "../process.ts";
import type { Row, Section } from "../section.ts";

const PUT_EVERY_MS = 500;
const PUTS_A_MOVE = 20;
/** Code is loaded late and caches fill: what has not levelled off by then is a leak. */
const WARM_UP_MS = 120_000;
const CENSUS = path.join(import.meta.dirname, "..", "census.mjs");

/** What grows while settings are put and an endpoint moves, for as long as anybody has the patience. */
export async function soak(ground: Ground, minutes: number): Promise<Section> {
  await using folder = await temporaryFolder("soak");
  const census = folder.file("census.json");
  const environment = { NODE_OPTIONS: `--import=${pathToFileURL(CENSUS)}`, CENSUS: census };
  const pace = { ...USUAL, reload: { min_interval: "5s" } };
  await using agent = await startAgentContender(ground, {
    name: "soak",
    pace,
    hasUnit: true,
    logLevel: "info",
    environment,
  });
  const work = new AbortController();
  const working = putAndMove(ground, agent, work.signal);
  const rows: Row[] = [];
  try {
    await sleep(Math.min(WARM_UP_MS, minutes * 30_000));
    for (let quarter = 0; quarter <= 4; quarter++) {
      const minute = Math.round((minutes * quarter) / 4);
      rows.push({ name: `after ${minute} minutes`, figures: await figures(agent, census) });
      if (quarter < 4) await sleep((minutes * 60_000) / 4);
    }
  } finally {
    work.abort();
    await working;
  }
  return {
    title: "Soak",
    method: `Two puts a second for ${minutes} minutes, and a move of Redis every ten seconds; the first row is after a warm-up.`,
    columns: ["RSS MB", "CPU s", "descriptors", "timers", "sockets", "log KB", "state KB", "warnings"],
    rows,
  };
}

async function putAndMove({ consul }: Ground, agent: AgentContender, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await consul.put(agent.key, String(20_000 + (round % 1000)));
    if (round % PUTS_A_MOVE === 0) {
      const at = (round / PUTS_A_MOVE) % 2;
      const one = { service: agent.service, address: "10.0.0.1", port: 6379 };
      await consul.register({ ...one, id: `${agent.service}-${at}`, port: 6379 + at, status: "passing" });
      await consul.register({
        ...one,
        id: `${agent.service}-${1 - at}`,
        port: 6380 - at,
        status: "critical",
      });
    }
    await sleep(PUT_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

const counts = z.record(z.string(), z.number());

async function figures({ agent, pid }: AgentContender, census: string): Promise<Row["figures"]> {
  await rm(census, { force: true });
  agent.signal("SIGUSR2");
  const open = await until("the census", async () =>
    counts.parse(JSON.parse(await readFile(census, "utf8"))),
  );
  const output = agent.output();
  return {
    "RSS MB": await residentMb(pid()),
    "CPU s": await cpuSeconds(pid()),
    descriptors: (await readdir(`/proc/${pid()}/fd`)).length,
    timers: (open["Timeout"] ?? 0) + (open["Immediate"] ?? 0),
    sockets: Object.entries(open).reduce((sum, [kind, n]) => sum + (/^(TCP|Pipe)/.test(kind) ? n : 0), 0),
    "log KB": output.length / 1024,
    "state KB": (await sizeOf(path.join(agent.folder, "state"))) / 1024,
    // Node says so itself when listeners pile up.
    warnings: output.match(/MaxListenersExceeded/g)?.length ?? 0,
  };
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file) => (await readFile(path.join(file.parentPath, file.name)).catch(() => "")).length),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
