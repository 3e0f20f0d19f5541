import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const TOKEN = "fork-secret-4711";

test("a fork's variables come from Consul once the configuration names them, and reload who reads them", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: {
      variables: { MAX_TOOT_CHARS: { units: ["web"] }, FORK_ACCESS: { secret: true, units: ["sidekiq"] } },
    },
  });
  await agent.converged();
  const seen = async (name: string) => (await agent.variables())[name];

  const before = (await agent.reloads()).length;
  await consul.put("mastodon/env/MAX_TOOT_CHARS", "true");
  await until("the variable", async () => (await seen("MAX_TOOT_CHARS")) === "true");
  await agent.converged();
  expect((await agent.reloads()).slice(before), "only those who read it").toEqual(["web"]);

  await consul.put("mastodon/nodes/jail1/env/FORK_ACCESS", TOKEN);
  await until("the secret", async () => (await seen("FORK_ACCESS")) === TOKEN);
  const status = await agent.converged();
  expect((await agent.reloads()).slice(before)).toEqual(["web", "sidekiq"]);
  expect(status.settings.find(({ name }) => name === "MAX_TOOT_CHARS")).toMatchObject({
    readers: ["web"],
    in_force: { value: "true", where: "mastodon/env/MAX_TOOT_CHARS" },
  });
  expect(status.settings.find(({ name }) => name === "FORK_ACCESS")).toMatchObject({
    readers: ["sidekiq"],
    in_force: { value: "[redacted]" },
  });
  expect(JSON.stringify([status, await agent.history()]) + agent.output()).not.toContain(TOKEN);
  expect(agent.output(), "an ordinary word stays one").not.toMatch(/"[^"]*\[redacted\][^"]*":/);

  await consul.delete("mastodon/env/MAX_TOOT_CHARS");
  await until("it to go", async () => !(await readFile(agent.envFile, "utf8")).includes("MAX_TOOT_CHARS"));
});

test("a variable that nobody has named is refused with the entry to write, and one that a loader acts on without", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/env/MAX_BIO_CHARS", "1000");
  await consul.put("mastodon/env/LD_PRELOAD", "/tmp/evil.so");
  await using agent = await startAgent({ consul, environment: HOSTS });
  const { problems } = await agent.converged();
  const told = (name: string) => problems.find(({ message }) => message.includes(name))?.message;
  expect(told("MAX_BIO_CHARS")).toMatch(
    /variables: \{ MAX_BIO_CHARS: \{ secret: false, units: \[web, sidekiq\] \} \}/,
  );
  expect(told("LD_PRELOAD")).toMatch(/cannot come from Consul: .*a loader, a shell/);
  expect(await readFile(agent.envFile, "utf8")).not.toMatch(/MAX_BIO_CHARS|LD_PRELOAD/);
});
