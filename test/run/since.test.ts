/** Since when something is so: a matter of when it happened, and not of when somebody asked. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a state that is left and returned to while nobody asks counts from its return", async () => {
  await using agent = await start("trip");
  const before = await agent.converged();
  await consul.put("trip/settings/MAILPORT", "587");
  await until("the change to be applied", () => lines(agent, "change applied").length === 2);
  const { state, since } = await agent.converged();
  expect([state, since > before.since]).toEqual(["converged", true]);
});

test("a state counts from when it began, however late somebody asks", async () => {
  await using agent = await start("late");
  await until("the first change to be applied", () => lines(agent, "change applied").length === 1);
  await until("the world to move on by a second", () => Date.now() > lastLineMs(agent) + 1000);
  const { since } = await agent.converged();
  expect(Date.parse(since)).toBeLessThan(lastLineMs(agent) + 1000);
});

test("successive refused values at one key are one problem, with the newest reason", async () => {
  await using agent = await start("words");
  await agent.converged();
  await consul.put("words/settings/DBPORT", "fifty");
  const first = await problem(agent, /the value is not acceptable/);
  await consul.put("words/settings/DBPORT", "fifty\n");
  const second = await problem(agent, /line break/);
  expect(second).toMatchObject({ about: "words/settings/DBPORT", since: first.since });
  expect(lines(agent, "problem").map(({ code }) => code)).toEqual(["input_refused"]);
  expect(lines(agent, "problem solved")).toEqual([]);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(metrics).toContain('mastodon_agent_problems_total{code="input_refused"} 1\n');
});

/** A separate site: its keys are pinned by its domain. */
function start(site: string): Promise<TestAgent> {
  const environment = { ...HOSTS, DOMAIN: `${site}.example.org` };
  return startAgent({ consul, environment, config: { watch: { prefix: site } } });
}

function problem(agent: TestAgent, words: RegExp) {
  return until(`a problem that says ${words}`, async () =>
    (await agent.status()).problems.find(({ message }) => words.test(message)),
  );
}

interface Line {
  readonly msg: string;
  readonly time: string;
  readonly code?: string;
}

function lines(agent: TestAgent, msg: string): readonly Line[] {
  return allLines(agent).filter((line) => line.msg === msg);
}

function lastLineMs(agent: TestAgent): number {
  return Date.parse(lines(agent, "change applied").at(-1)?.time ?? "");
}

function allLines(agent: TestAgent): readonly Line[] {
  const texts = agent.output().split("\n");
  return texts.filter((text) => text.startsWith("{")).map((text): Line => JSON.parse(text));
}
