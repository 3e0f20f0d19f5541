import type { MastodonUnit } from "../mastodon.ts";
import { program } from "../programs.ts";
import { run } from "../spawn.ts";
import { SETTLE_MS } from "./config.ts";
import { type Effect, ORDER, type Stage, verify } from "./stage.ts";

export interface Put {
  readonly key: string;
  readonly value: string;
  /** The one that it changes. */
  readonly variable: string;
  readonly readers: readonly MastodonUnit[];
}

/** A value is put, and those units run with it that read it. */
export async function put(stage: Stage, { key, value, variable, readers }: Put): Promise<void> {
  const before = await stage.look();
  await consulKv(stage, "put", key, value);
  const effect = await stage.effect(before, Date.now());
  verify(effect.changes.length === 1 && effect.changes[0]?.name === variable, `only ${variable} changed`);
  verify(effect.changes[0]?.after === `${variable}=${value}`, `${variable} is ${value}`);
  verify(
    ORDER.every((unit) => effect.reloaded.includes(unit) === readers.includes(unit)),
    `only ${readers.join(", ")} reloaded`,
  );
  for (const unit of readers) verify((await envOf(stage, unit))[variable] === value, `${unit} runs with it`);
  showEffect(stage, effect, `, ${SETTLE_MS} of that waiting for more`);
}

/** With the `consul` command, at the Consul client of the jail. */
export async function consulKv(stage: Stage, ...words: readonly string[]): Promise<void> {
  const { screen, world } = stage;
  screen.command(`consul kv ${words.join(" ")}`);
  const env = { CONSUL_HTTP_ADDR: world.agent.consulAddress };
  await screen.during(() => "consul", run(program("consul"), ["kv", ...words], { env }));
}

export function showEffect({ screen }: Stage, effect: Effect, note: string): void {
  for (const { before, after } of effect.changes) {
    if (before !== undefined) screen.removed(before);
    if (after !== undefined) screen.added(after);
  }
  const others = ORDER.filter((unit) => !effect.reloaded.includes(unit));
  const units = [`reloaded: ${effect.reloaded.join(", ")}`];
  if (others.length > 0) units.push(`untouched: ${others.join(", ")}`);
  screen.verified(`on disk after ${effect.toDiskMs} ms${note}`);
  screen.verified(`${units.join("; ")}; healthy after ${effect.toHealthyMs} ms`);
}

function envOf({ world: { mastodon } }: Stage, unit: MastodonUnit) {
  if (unit === "web") return mastodon.webEnv();
  return unit === "sidekiq" ? mastodon.sidekiqEnv() : mastodon.streamingEnv();
}
