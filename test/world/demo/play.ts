import { setTimeout as sleep } from "node:timers/promises";
import type { DemoAgent } from "./agent.ts";
import type { Entry } from "./agent-log.ts";
import { type Change, changes, readEnvFile } from "./env-file.ts";
import { writeShellFile } from "./shell-file.ts";
import type { Stage } from "./stage.ts";

const STATE_MS = 500;
/** They belong to a change, which is told when it is done. */
const PASSING_STATES = ["starting", "applying"];
const UNKNOWN = { state: "starting", reason: "" } as const;

/** Hands the world over to whoever looks on, and says what changes until the signal aborts. */
export async function play(stage: Stage, signal: AbortSignal): Promise<void> {
  const { screen, world } = stage;
  // Then there is something to move to again.
  await world.redis1.start();
  const shellFile = await writeShellFile(world.ground, world.agent);
  screen.heading("Now it is your turn. In another terminal:");
  for (const line of commands(shellFile, stage)) screen.line(line);
  screen.heading("What changes (Ctrl-C ends everything and removes it):");
  await follow(stage, signal);
}

function commands(shellFile: string, { world, screen }: Stage): readonly string[] {
  const { redis2, agent } = world;
  const rows: readonly (readonly [string, string])[] = [
    [`. ${shellFile}`, "consul and mastodon-agent for this world"],
    ["consul kv put mastodon/settings/MAILHOST smtp3.example.org", "a setting"],
    ["consul kv put mastodon/nodes/jail1/settings/MAILHOST smtp4.example.org", "for this node only"],
    ["consul kv delete -recurse mastodon/nodes", "back to the shared value"],
    ["consul kv put mastodon/env/SINGLE_USER_MODE true", "any Mastodon variable"],
    ["consul kv put mastodon/settings/DBPORT many", "refused"],
    ['consul kv put mastodon/control/hold "I am looking"', "watch, but do not apply"],
    ["consul kv delete mastodon/control/hold", "end the hold"],
    ["consul kv put mastodon/control/reload now", "reload all units"],
    [`redis-cli -h ${redis2.host} -p ${redis2.port} shutdown nosave`, "the Redis in use dies"],
    ["consul catalog services", `the cluster, at CONSUL_HTTP_ADDR=${agent.consulAddress}`],
    ["mastodon-agent status", `asks with --config ${agent.configFile}`],
    ["mastodon-agent status --watch", "the same, live"],
    [agent.pageUrl, "the same in a browser"],
    ["mastodon-agent explain REDIS_HOST", "where it comes from"],
    ["mastodon-agent history --verbose", "what has changed, why, and where the time went"],
    ["mastodon-agent check --probe", "what is wrong, and what to do about it"],
  ];
  return rows.map(
    ([command, about]) => `${screen.colours.cyan(command.padEnd(72))} ${screen.colours.dim(about)}`,
  );
}

/** One line for each change, refusal and problem, and for each state that is not the usual one. */
async function follow(stage: Stage, signal: AbortSignal): Promise<void> {
  const { screen, world } = stage;
  const say = (timeMs: number, text: string) => {
    if (!signal.aborted) screen.line(`${screen.colours.dim(clock(timeMs))}  ${text}`);
  };
  const tell = await teller(stage, say);
  let telling = Promise.resolve();
  world.agent.log.follow((entry) => {
    telling = telling.then(() => tell(entry)).catch(() => {});
  });
  await followState(world.agent, say, signal);
}

type Say = (timeMs: number, text: string) => void;

async function teller({ screen, world }: Stage, say: Say): Promise<(entry: Entry) => Promise<void>> {
  let file = await readEnvFile(world.mastodon.envFile);
  return async (entry) => {
    if (entry.msg === "change applied") {
      const now = await readEnvFile(world.mastodon.envFile);
      say(entry.time, summary(entry, changes(file, now)));
      file = now;
    } else if (entry.problem !== undefined) {
      say(entry.time, `${screen.colours.yellow(entry.msg)}: ${entry.problem}`);
    }
  };
}

/** A hold changes nothing that could be logged; the status has it. @throws Error if the agent ends */
async function followState(agent: DemoAgent, say: Say, signal: AbortSignal): Promise<void> {
  let last = "converged";
  while (!signal.aborted) {
    if (!agent.isRunning()) throw new Error("the agent ended");
    const { state, reason } = await agent.status().catch(() => UNKNOWN);
    if (!PASSING_STATES.includes(state) && state !== last) {
      say(Date.now(), `${state}: ${reason}`);
      last = state;
    }
    await sleep(STATE_MS, undefined, { signal }).catch(() => {});
  }
}

function summary({ cause, units = [], duration_ms }: Entry, changed: readonly Change[]): string {
  const texts = changed.map(({ name, before, after }) => after ?? `${name} is gone (${before})`);
  const what = texts.length === 0 ? cause : texts.join(", ");
  return `${what}  ${units.length === 0 ? "no units" : `${units.join(", ")} healthy`} after ${duration_ms} ms`;
}

function clock(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8);
}
