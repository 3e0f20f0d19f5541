/** Whoever may write to Consul chooses words that people read on a terminal, on the page and in the log. */
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

/** Clears the screen, sets the title, and turns the direction of writing. */
const HOSTILE = "\x1b[2J\x1b]0;root\x07\u202e\x9b2J";
/** Anything that a terminal obeys, but for the ends of lines. */
const OBEYED = /\p{Cf}|(?![\n\t])\p{Cc}/u;

test("control characters in Consul reach no terminal, no page and no log", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/MAILPORT", HOSTILE);
  const redis = { id: `redis${HOSTILE}`, service: "redis", address: "10.0.0.7", port: 6379 };
  await consul.register({ ...redis, node: "r1", status: "passing" });
  await consul.register({
    ...redis,
    id: `no-host${HOSTILE}`,
    node: "r2",
    address: HOSTILE,
    status: "passing",
  });
  const { REDISHOST: _, ...environment } = HOSTS;
  await using agent = await startAgent({ consul, environment, logLevel: "info" });
  await until("the refusals", async () => (await agent.status()).problems.length >= 2);
  await agent.converged();
  await consul.setCheck({ ...redis, node: "r1" }, "critical", HOSTILE);
  await until("the failing check", async () =>
    (await agent.status()).problems.some(({ code }) => code === "no_candidate"),
  );

  const shown = new Map<string, string>([["log", agent.output()]]);
  for (const path of ["/", "/status", "/history", "/metrics"]) {
    shown.set(path, await (await fetch(new URL(path, agent.url))).text());
  }
  for (const command of ["status", "status --json", "history", "history --json", "explain", "kv diff"]) {
    shown.set(command, (await cli(agent, command.split(" "))).output);
  }
  const obeyed = [...shown].filter(([, text]) => OBEYED.test(text));
  expect(obeyed.map(([where]) => where)).toEqual([]);
  const visible = [...shown].filter(([, text]) => text.includes("[2J"));
  expect(visible.map(([where]) => where)).toEqual(
    expect.arrayContaining(["log", "/", "/status", "status", "/metrics"]),
  );
}, 90_000);
