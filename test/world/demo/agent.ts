import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type Status, statusSchema } from "../../../src/report/status.ts";
import type { ConsulServer } from "../consul.ts";
import type { Mastodon } from "../mastodon.ts";
import { freePort, loopbackAddress } from "../ports.ts";
import type { PostgresServer } from "../postgres.ts";
import { checkout } from "../programs.ts";
import { run, start } from "../spawn.ts";
import { AgentLog } from "./agent-log.ts";
import { agentConfig, jail } from "./config.ts";
import type { Ground } from "./ground.ts";

/** The agent as an operator would run it, with a Consul client that it starts itself. */
export interface DemoAgent extends AsyncDisposable {
  readonly log: AgentLog;
  readonly configFile: string;
  readonly keysFolder: string;
  readonly startedMs: number;
  /** The Consul client of this jail: what CONSUL_HTTP_ADDR shall say. */
  readonly consulAddress: string;
  /** The status page. */
  readonly pageUrl: string;
  /** The variables that the jail was born with. */
  readonly environment: Readonly<Record<string, string>>;
  isRunning(): boolean;
  tail(): string;
  status(): Promise<Status>;
  /** Output of another command of `mastodon-agent`, with this agent's configuration. */
  command(...argv: readonly string[]): Promise<string>;
}

export interface Neighbours {
  readonly ground: Ground;
  readonly consul: ConsulServer;
  readonly postgres: PostgresServer;
  readonly mastodon: Mastodon;
}

/** After that long an apply is not waited for any more: all that it works on goes as well. */
const STOP_DEADLINE_MS = 3_000;

export async function startDemoAgent({ ground, consul, postgres, mastodon }: Neighbours): Promise<DemoAgent> {
  const address = await loopbackAddress();
  const consulAddress = `http://${address}:${await freePort(address)}`;
  const http = `127.0.0.1:${await freePort()}`;
  const folder = ground.file("agent");
  const configFile = join(folder, "agent.yaml");
  const config = agentConfig({ folder, state: ground.agentState, consulAddress, http, mastodon });
  for (const place of [folder, join(mastodon.folder, "rc.conf.d")]) await mkdir(place, { recursive: true });
  await writeFile(configFile, stringify(config));

  const environment = jail(consul, postgres, address);
  const onlyEnv = { PATH: process.env["PATH"] ?? "", ...environment };
  const log = new AgentLog();
  const startedMs = Date.now();
  // A session of its own: a Ctrl-C on the terminal is meant for the demo, which then asks the agent, once.
  const running = await start(
    "setsid",
    [...agentArgv(), "run", "--log-level", "debug", "--config", configFile],
    {
      onlyEnv,
      onLine: log.hear,
      stopDeadlineMs: STOP_DEADLINE_MS,
    },
  );
  return {
    log,
    configFile,
    keysFolder: join(folder, "keys"),
    startedMs,
    consulAddress,
    pageUrl: `http://${http}/`,
    environment,
    isRunning: running.isRunning,
    tail: running.tail,
    status: async () => statusSchema.parse(await (await fetch(`http://${http}/status`)).json()),
    command: (...argv) => {
      const [node = "", ...rest] = agentArgv();
      return run(node, [...rest, ...argv, "--config", configFile], { onlyEnv });
    },
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  };
}

/** `node dist/cli.js` from the bundle, `node src/cli.ts` from the sources: what runs the demo also runs the agent. */
export function agentArgv(): readonly string[] {
  const isSource = fileURLToPath(import.meta.url).endsWith(".ts");
  return [process.execPath, join(checkout(), ...(isSource ? ["src", "cli.ts"] : ["dist", "cli.js"]))];
}
