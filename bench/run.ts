/**
 * `npm run bench [-- --minutes 10 --only "Put to disk"]`: what the agent costs and how fast it is, beside
 * consul-template where that can be had, and beside a bare blocking query. Prints a table, keeps the figures in
 * `bench/results/` and plots them into `docs/performance.svg`.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { startConsul } from "../test/world/consul.ts";
import { program } from "../test/world/programs.ts";
import { run } from "../test/world/spawn.ts";
import { QUICK, startAgentContender, USUAL } from "./contenders/agent.ts";
import { startBareWriter } from "./contenders/bare-writer.ts";
import { findConsulTemplate, type PeerOptions, startConsulTemplate } from "./contenders/consul-template.ts";
import type { Contender, Ground } from "./contenders/contender.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import { keep } from "./results.ts";
import { atRest, type Observed } from "./scenarios/at-rest.ts";
import { burst } from "./scenarios/burst.ts";
import { endpointMove } from "./scenarios/endpoint-move.ts";
import { growth } from "./scenarios/growth.ts";
import { manyAgents } from "./scenarios/many-agents.ts";
import { putToDisk } from "./scenarios/put-to-disk.ts";
import { soak } from "./scenarios/soak.ts";
import { stages } from "./scenarios/stages.ts";
import { startUp } from "./scenarios/start.ts";
import { type Section, table } from "./section.ts";

const { values: flags } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, only: { type: "string", default: "" } },
});

await using consul = await startConsul();
const ground: Ground = { consul, address: consul.address };
const binary = await findConsulTemplate();
if (binary === undefined)
  console.log("consul-template is not here and there is no Go to build it: no peer.\n");

const SCENARIOS: Readonly<Record<string, () => Promise<Section>>> = {
  "Put to disk": () =>
    among([startBareWriter, quick, usual, fastestPeer, usualPeer], (all) => putToDisk(ground, all)),
  "Endpoint move": () => among([quick, probing, fastestPeer], (all) => endpointMove(ground, all)),
  Burst: () => among([usualWithUnit, usualPeer, patientPeer], (all) => burst(ground, all)),
  Start: () => startUp(consul),
  "Where the time goes": async () => {
    await using agent = await startAgentContender(ground, {
      name: "agent, stages",
      pace: QUICK,
      hasUnit: true,
    });
    return await stages(ground, agent);
  },
  Growth: () => growth(ground),
  "Many agents": () => manyAgents(),
  Soak: () => soak(ground, Number(flags.minutes)),
  "At rest": () => rest([usual, usualPeer], Number(flags.minutes)),
};

const sections: Section[] = [];
for (const [name, measure] of Object.entries(SCENARIOS)) {
  if (!name.includes(flags.only)) continue;
  const section = await measure();
  sections.push(section);
  console.log(`${table(section)}\n`);
}
if (sections.length > 0) {
  const [version = ""] = (await run(program("consul"), ["version"])).split("\n");
  for (const path of await keep(sections, version.replace("Consul v", ""))) console.log(path);
}

type Make = (on: Ground) => Promise<Contender | undefined>;

function quick(on: Ground) {
  return startAgentContender(on, { name: "agent, settle 0", pace: QUICK });
}
function usual(on: Ground) {
  return startAgentContender(on, { name: "agent, defaults", pace: USUAL });
}
function usualWithUnit(on: Ground) {
  return startAgentContender(on, { name: "agent, defaults", pace: USUAL, hasUnit: true });
}
function probing(on: Ground) {
  return startAgentContender(on, { name: "agent, settle 0, probes", pace: QUICK, probe: true });
}
function fastestPeer(on: Ground) {
  return peer(on, { name: "consul-template, fastest", isFastest: true });
}
function usualPeer(on: Ground) {
  return peer(on, { name: "consul-template, defaults", isFastest: false });
}
function patientPeer(on: Ground) {
  return peer(on, { name: "consul-template, wait 250ms:2s", isFastest: false, wait: "250ms:2s" });
}

/** It renders the very file that the agent renders. */
async function peer(
  on: Ground,
  options: Omit<PeerOptions, "binary" | "model">,
): Promise<Contender | undefined> {
  if (binary === undefined) return undefined;
  await using agent = await startAgentContender(on, { name: `model of ${options.name}`, pace: QUICK });
  const model = await readFile(agent.file, "utf8");
  return await startConsulTemplate(on, { ...options, binary, model });
}

async function among(
  makers: readonly Make[],
  measure: (all: readonly Contender[]) => Promise<Section>,
): Promise<Section> {
  await using all = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const make of makers) {
    const contender = await make(ground);
    if (contender !== undefined) contenders.push(all.use(contender));
  }
  return await measure(contenders);
}

/** Each behind a proxy of its own, which counts its requests. */
async function rest(makers: readonly Make[], minutes: number): Promise<Section> {
  await using all = new AsyncDisposableStack();
  const observed: Observed[] = [];
  for (const make of makers) {
    const proxy = all.use(await startCountingProxy(consul.address));
    const contender = await make({ consul, address: proxy.address });
    if (contender !== undefined) observed.push({ contender: all.use(contender), proxy });
  }
  return await atRest(observed, minutes);
}
