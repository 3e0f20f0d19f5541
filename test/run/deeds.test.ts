/** History says what was done, and not what would have been. */
import { appendFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test("of a change that was refused nothing was done", async () => {
  await using agent = await startSite("refused", {
    check: ["sh", "-c", '! grep SMTP_PORT=587 "$0"', "{file}"],
  });
  await consul.put("refused/settings/MAILPORT", "587");
  const change = await latest(agent, "refused");
  expect(change).toMatchObject({ units: [], actions: [], wrote: [], restored: [] });
  expect((await agent.status()).last_change).toMatchObject({ outcome: "refused", units: [] });
});

test("of one that was put back it says what was written and restored, and each action with its result", async () => {
  await using agent = await startSite("put-back", { refuses: "SMTP_PORT=587" });
  await consul.put("put-back/settings/MAILPORT", "587");
  const change = await latest(agent, "put_back");
  expect(change).toMatchObject({
    units: ["sidekiq", "web"],
    wrote: [agent.envFile],
    restored: [agent.envFile],
    actions: [
      { unit: "sidekiq", kind: "reload", ok: true },
      { unit: "web", kind: "reload", ok: false },
      { unit: "web", kind: "reload", ok: true },
      { unit: "sidekiq", kind: "reload", ok: true },
    ],
  });
  expect((await agent.status()).units["web"]?.last_action, "with the old file").toMatchObject({ ok: true });
  const { output } = await cli(agent, ["history", "--outcome", "put_back", "--verbose"]);
  expect(output).toMatch(/put_back .*MAILPORT/);
  expect(output).toMatch(new RegExp(`^ +restored +${agent.envFile}$`, "m"));
  expect(output).toMatch(/reload +web \(failed\)/);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(metrics).toContain('mastodon_agent_changes_total{outcome="put_back",urgent="false"} 1');
  expect(await (await fetch(agent.url)).text()).toContain('<b class="put_back">put_back</b>');
});

test("of one that failed half-way it says what was done until then, and does not call the wait for the retry settling", async () => {
  await using agent = await startSite("failed", { brokenAtFirst: true });
  const failed = await latest(agent, "failed");
  expect(failed).toMatchObject({
    wrote: [agent.envFile],
    restored: [],
    actions: [
      { unit: "sidekiq", kind: "reload", ok: true },
      { unit: "web", kind: "reload", ok: false },
      { unit: "streaming", kind: "reload", ok: true },
    ],
  });
  await rm(path.join(agent.folder, "broken"));
  const applied = await latest(agent, "applied");
  expect(applied).toMatchObject({
    units: ["web"],
    wrote: [],
    actions: [{ unit: "web", kind: "reload", ok: true }],
  });
  const [, waited] = applied.spans;
  expect(waited?.stage).toBe("retry");
  expect(waited?.ms).toBeGreaterThan(500);
});

test("a journal of an older version is read, with the names of today", async () => {
  await using agent = await startSite("older", {});
  await agent.stop();
  await appendFile(path.join(agent.folder, "state", "journal.jsonl"), `${JSON.stringify(OLDER)}\n`);
  await agent.start();
  await agent.converged();
  const [, older] = await agent.history();
  expect(older).toMatchObject({
    outcome: "put_back",
    units: ["web"],
    actions: [{ unit: "web", kind: "reload", ok: false }],
    wrote: [],
    restored: [],
  });
  expect(older).not.toHaveProperty("put_back");
  expect((await cli(agent, ["history", "--outcome", "put_back"])).output).toContain("an older cause");
});

/** As it was written before every outcome had a name of its own; sidekiq's turn had not come. */
const OLDER = {
  at: "2026-11-24T10:00:00.000Z",
  cause: "an older cause",
  outcome: "failed",
  put_back: true,
  problem: "unit web: step 1 of 1 failed. Mend it.",
  urgent: false,
  values: [],
  endpoints: [],
  units: ["web", "sidekiq"],
  actions: [
    { unit: "web", kind: "reload" },
    { unit: "sidekiq", kind: "reload" },
  ],
  wrote: [],
  duration_ms: 12,
  spans: [
    { stage: "reload", unit: "web", ms: 3, ok: false },
    { stage: "commit", ms: 3, ok: true },
  ],
  desired: "0123",
};

interface Site {
  readonly check?: readonly string[];
  /** While the file has it, web cannot be reloaded. */
  readonly refuses?: string;
  /** Web cannot be reloaded until the file `broken` is gone. */
  readonly brokenAtFirst?: boolean;
}

async function startSite(prefix: string, { check, refuses, brokenAtFirst }: Site): Promise<TestAgent> {
  const agent = await startAgent({
    consul,
    environment: { ...HOSTS, DOMAIN: `${prefix}.example.org` },
    prepare: async (folder) => {
      if (brokenAtFirst) await writeFile(path.join(folder, "broken"), "");
    },
    config: (folder) => {
      const file = path.join(folder, ".env.production");
      const web = `test ! -e '${folder}/broken' && ! grep -q '${refuses ?? "nothing of the kind"}' '${file}'`;
      const fine = { reload: [{ run: ["true"] }] };
      return {
        watch: { prefix },
        files: { env: { template: "env.production.hbs", path: file, mode: "0640", ...(check && { check }) } },
        units: { sidekiq: fine, web: { reload: [{ run: ["sh", "-c", web] }] }, streaming: fine },
      };
    },
  });
  if (!brokenAtFirst) await agent.converged();
  return agent;
}

async function latest(agent: TestAgent, outcome: string) {
  return until(`a change that is ${outcome}`, async () =>
    (await agent.history()).findLast((one) => one.outcome === outcome),
  );
}
