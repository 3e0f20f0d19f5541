import { readFile } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { createConsulClient } from "../src/consul/client.ts";
import { HOSTS, startAgent, type TestAgent } from "../test/world/agent.ts";
import { type ConsulServer, startConsul } from "../test/world/consul.ts";
import { until } from "../test/world/until.ts";

export interface Measurements {
  /** From the start of the process to `.env.production` on disk, Consul answering: one number a start. */
  readonly startMs: readonly number[];
  /** From sending the put to the answer of a bare blocking query in this process. */
  readonly floorMs: readonly number[];
  /** From sending the same put to the new bytes under the final name. */
  readonly diskMs: readonly number[];
  readonly residentMb: number;
}

const STARTS = 5;
const BUNDLE = path.join(import.meta.dirname, "..", "dist", "cli.js");

export async function measure(rounds: number): Promise<Measurements> {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: { units: {} },
    logLevel: "warn",
    program: BUNDLE,
  });
  await agent.converged();
  const startMs = await measureStarts(agent);
  await agent.converged();
  const { floorMs, diskMs } = await measurePuts(consul, agent, rounds);
  await agent.converged();
  return { startMs, floorMs, diskMs, residentMb: await residentMb(agent.pid()) };
}

/** The rendered file is taken away before each start, so that its return is the first render. */
async function measureStarts(agent: TestAgent): Promise<readonly number[]> {
  const times: number[] = [];
  for (let count = 0; count < STARTS; count++) {
    await agent.stop();
    await agent.removeEnvFile();
    const began = performance.now();
    await agent.start();
    await seen(agent, (text) => text !== "");
    times.push(performance.now() - began);
    await agent.converged();
  }
  return times;
}

async function measurePuts(consul: ConsulServer, agent: TestAgent, rounds: number) {
  const [floorMs, diskMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const value = String(10_000 + round);
    const answered = await floor(consul);
    const began = performance.now();
    const onDisk = seen(agent, (text) => text.includes(`SMTP_PORT=${value}\n`)).then(
      () => performance.now() - began,
    );
    await consul.put("mastodon/settings/MAILPORT", value);
    floorMs.push((await answered()) - began);
    diskMs.push(await onDisk);
  }
  return { floorMs, diskMs };
}

/** A blocking query that is already held when this returns; the function waits for its answer. */
async function floor(consul: ConsulServer): Promise<() => Promise<number>> {
  const client = createConsulClient({ address: consul.address, sslVerify: true });
  const { signal } = new AbortController();
  const { index } = await client.kvPrefix("mastodon/", { index: 0n, waitMs: 0, signal });
  const held = client.kvPrefix("mastodon/", { index, waitMs: 60_000, signal }).then(() => performance.now());
  return () => held;
}

async function seen(agent: TestAgent, isWanted: (text: string) => boolean): Promise<void> {
  for (;;) {
    if (isWanted(await readFile(agent.envFile, "utf8").catch(() => ""))) return;
    await new Promise(setImmediate);
  }
}

/** VmRSS of proc(5), after the process had the time to settle down. */
async function residentMb(pid: number): Promise<number> {
  const status = await until("the memory figure", () => readFile(`/proc/${pid}/status`, "utf8"));
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
