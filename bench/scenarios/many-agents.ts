import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startConsul } from "../../test/world/consul.ts";
import { start } from "../../test/world/spawn.ts";
import { temporaryFolder } from "../../test/world/temporary.ts";
import { until } from "../../test/world/until.ts";
import { cpuSeconds, residentMb } from "../process.ts";
import type { Row, Section } from "../section.ts";
import { growthExponent, median } from "../statistics.ts";

const AGENTS = [1, 10, 50, 200] as const;
const PUTS = 10;
const REST_SECONDS = 30;
const DEADLINE_MS = 120_000;
/** Of one address; all agents of this scenario share one, and each holds some questions. */
const CONNECTIONS = 10_000;

interface Fleet {
  readonly agents: number;
  readonly lastMs: number;
  readonly restCpu: number;
  readonly putCpu: number;
  readonly consulMb: number;
  readonly agentMb: number;
}

/** One Consul server and more and more agents of one site. */
export async function manyAgents(): Promise<Section> {
  const fleets: Fleet[] = [];
  for (const agents of AGENTS) fleets.push(await measure(agents));
  const exponent = (figure: "lastMs" | "putCpu" | "consulMb") =>
    growthExponent(fleets.map((fleet) => [fleet.agents, fleet[figure]]));
  const exponents: Row = {
    name: "grows with the power of",
    figures: {
      "put to last file ms": exponent("lastMs"),
      "Consul CPU ms a put": exponent("putCpu"),
      "Consul RSS MB": exponent("consulMb"),
    },
  };
  return {
    title: "Many agents",
    method: `Light agents in one process on one Consul server: ${PUTS} puts, then ${REST_SECONDS} s of rest.`,
    columns: [
      "put to last file ms",
      "Consul CPU ms a put",
      "Consul CPU % at rest",
      "Consul RSS MB",
      "MB an agent",
    ],
    rows: [...fleets.map(row), exponents],
  };
}

function row({ agents, lastMs, putCpu, restCpu, consulMb, agentMb }: Fleet): Row {
  return {
    name: `${agents} agents`,
    figures: {
      "put to last file ms": lastMs,
      "Consul CPU ms a put": putCpu,
      "Consul CPU % at rest": restCpu,
      "Consul RSS MB": consulMb,
      "MB an agent": agentMb,
    },
  };
}

async function measure(agents: number): Promise<Fleet> {
  await using consul = await startConsul({ maxConnections: CONNECTIONS });
  await using folder = await temporaryFolder("light-agents");
  const program = path.join(import.meta.dirname, "light-agents.ts").replace("/scenarios/", "/");
  await using running = await start(process.execPath, [program, String(agents), consul.address, folder.path]);
  const files = folder.file("files");
  const allHave = (line: string) =>
    until(`${agents} files with ${line}`, () => haveAll(files, agents, line), DEADLINE_MS);
  await allHave("SMTP_PORT=25\n");
  const consulPid = consul.pid();
  const idleBefore = await cpuSeconds(consulPid);
  await sleep(REST_SECONDS * 1000);
  const restCpu = (((await cpuSeconds(consulPid)) - idleBefore) / REST_SECONDS) * 100;
  const putBefore = await cpuSeconds(consulPid);
  const times: number[] = [];
  for (let put = 0; put < PUTS; put++) {
    const value = String(30_000 + put);
    await consul.put("mastodon/settings/MAILPORT", value);
    const acknowledgedMs = performance.now();
    await allHave(`SMTP_PORT=${value}\n`);
    times.push(performance.now() - acknowledgedMs);
  }
  return {
    agents,
    lastMs: median(times),
    restCpu,
    putCpu: (((await cpuSeconds(consulPid)) - putBefore) / PUTS) * 1000,
    consulMb: await residentMb(consulPid),
    agentMb: (await residentMb(running.pid)) / agents,
  };
}

async function haveAll(folder: string, agents: number, line: string): Promise<true | undefined> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(".env") && !name.startsWith("."));
  if (files.length < agents) return undefined;
  const texts = await Promise.all(
    files.map((name) => readFile(path.join(folder, name), "utf8").catch(() => "")),
  );
  return texts.every((text) => text.includes(line)) ? true : undefined;
}
