/** The problems that no other test meets, each with the real thing that goes wrong, and gone when that is mended. */
import { mkdir, readdir, readFile, rename, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import type { Waiting } from "../../src/report/waiting.ts";
import { startCluster } from "../faults/fixtures/cluster.ts";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { program } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

/** A unit is looked at every ten seconds and down when that was so twice; servers take their time to elect. */
const PATIENCE_MS = 90_000;

const tokenSchema = z.object({ SecretID: z.string(), Policies: z.array(z.object({ ID: z.string() })) });

let consul: ConsulServer;
beforeAll(async () => {
  consul = await startConsul();
});
afterAll(() => consul[Symbol.asyncDispose]());

test.concurrent("a state directory that is gone stops changes and is named, and they are made when it is back", async () => {
  await using agent = await startAgent({ consul, environment: born("state"), config: prefixed("state") });
  await agent.converged();
  const state = path.join(agent.folder, "state");
  await rename(state, `${state}.away`);
  await consul.put("state/settings/MAILPORT", "587");
  expect(await problem(agent, "state_not_written")).toMatch(/^\S+\/state: .*ENOENT.*paths\.state/);
  expect(await problem(agent, "journal_not_written")).toMatch(/^\S+\/state: the journal cannot be written/);
  expect((await agent.variables())["SMTP_PORT"]).toBe("25");
  await rename(`${state}.away`, state);
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
  await noProblem(agent);
});

test.concurrent("a damaged state is set aside, reported until there is a new one, and costs one reload", async () => {
  await using agent = await startAgent({ consul, environment: born("damaged"), config: prefixed("damaged") });
  await agent.converged();
  await agent.stop();
  const state = path.join(agent.folder, "state");
  await writeFile(path.join(state, "state.json"), "{ half a st");
  const reloads = await agent.reloads();
  await consul.put("damaged/control/hold", "looking");
  await agent.start();
  expect(await problem(agent, "state_damaged")).toMatch(/state\.json: .*damaged.*set aside as \S+corrupt-/);
  const kept = (await readdir(state)).find((name) => name.startsWith("state.json.corrupt-")) ?? "";
  expect(await readFile(path.join(state, kept), "utf8")).toBe("{ half a st");
  await consul.delete("damaged/control/hold");
  await noProblem(agent);
  expect((await agent.reloads()).slice(reloads.length).toSorted()).toEqual([...new Set(reloads)].toSorted());
});

test.concurrent("a value that a user's template cannot hold is reported with its place, until it is deleted", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("render"),
    prepare: (folder) => writeFile(path.join(folder, "mail.sh.hbs"), "# mine\nuser='{{MAILUSER}}'\n"),
    config: (folder) => ({
      watch: { prefix: "render" },
      files: { mail: { template: "mail.sh.hbs", path: path.join(folder, "mail.sh") } },
    }),
  });
  await agent.converged();
  await consul.put("render/settings/MAILUSER", "o'hara");
  expect(await problem(agent, "render_refused")).toMatch(
    /mail\.sh\.hbs, line 2.*MAILUSER.*sh file.*It may be/,
  );
  expect((await agent.status()).state).toBe("failed");
  expect(await waitingOf(agent)).toMatchObject({
    kind: "unrenderable",
    reason: expect.stringContaining("line 2"),
  });
  expect(await readFile(path.join(agent.folder, "mail.sh"), "utf8")).toBe("# mine\nuser='mailuser'\n");
  await consul.delete("render/settings/MAILUSER");
  await noProblem(agent);
});

test.concurrent("what a file's check rejects is refused, and nothing changes until it is corrected", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("check"),
    config: (folder) => ({
      watch: { prefix: "check" },
      files: {
        env: {
          template: "env.production.hbs",
          path: path.join(folder, ".env.production"),
          check: ["sh", "-c", '! grep SMTP_PORT=587 "$0"', "{file}"],
        },
      },
    }),
  });
  await agent.converged();
  const before = { ...(await agent.variables()), reloads: await agent.reloads() };
  await consul.put("check/settings/MAILPORT", "587");
  expect(await problem(agent, "change_refused")).toMatch(
    /\.env\.production: its check .*Nothing was changed/,
  );
  expect({ ...(await agent.variables()), reloads: await agent.reloads() }).toEqual(before);
  await until("the next try to be announced", async () => {
    const waiting = await waitingOf(agent);
    return waiting?.kind === "retry" && /its check/.test(waiting.reason) && waiting.until;
  });
  await consul.delete("check/settings/MAILPORT");
  await noProblem(agent);
});

test.concurrent("an obstacle in the way of a file stops changes and is named, and they are made when it is gone", async () => {
  await using agent = await startAgent({ consul, environment: born("place"), config: prefixed("place") });
  await agent.converged();
  await rename(agent.envFile, `${agent.envFile}.away`);
  await mkdir(agent.envFile);
  await consul.put("place/settings/MAILPORT", "587");
  expect(await problem(agent, "change_refused")).toMatch(/\.env\.production: .*not a regular file/);
  await rmdir(agent.envFile);
  await rename(`${agent.envFile}.away`, agent.envFile);
  await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
  await noProblem(agent);
});

test.concurrent("a unit that died is reported with the reason and since when, until it is back", async () => {
  const pidfile = (folder: string) => path.join(folder, "sidekiq.pid");
  await using first = await start("sleep", ["600"]);
  await using agent = await startAgent({
    consul,
    environment: born("unit"),
    prepare: (folder) => writeFile(pidfile(folder), `${first.pid}\n`),
    config: (folder) => ({
      watch: { prefix: "unit" },
      units: { sidekiq: { reload: [{ run: ["true"] }], health: { pidfile: pidfile(folder) } } },
    }),
  });
  await agent.converged();
  await first.stop();
  expect(await problem(agent, "unit_unhealthy", PATIENCE_MS)).toMatch(/^unit sidekiq: .*control\/reload/);
  await using second = await start("sleep", ["600"]);
  await writeFile(pidfile(agent.folder), `${second.pid}\n`);
  await noProblem(agent, PATIENCE_MS);
}, 200_000);

test.concurrent("a Consul client whose service does not start is reported with its output, and retried until it does", async () => {
  await using agent = await startAgent({
    consul,
    environment: born("client"),
    config: (folder) => ({
      watch: { prefix: "client" },
      consul: {
        agent: "unit",
        binary: program("consul"),
        address: consul.address,
        config_file: path.join(folder, "client.json"),
      },
      units: {
        consul: { reload: [{ run: ["sh", "-c", `test -e ${folder}/mended || { echo broken; exit 1; }`] }] },
      },
    }),
  });
  expect(await problem(agent, "consul_client_failed")).toMatch(/^unit consul: step 1 of 1 .*broken/);
  await agent.converged();
  await writeFile(path.join(agent.folder, "mended"), "");
  await noProblem(agent, PATIENCE_MS);
});

test.concurrent("a registration that Consul refuses is reported with Consul's answer, and Mastodon is configured all the same", async () => {
  const environment = { ...born("announce"), IP: "0.0.0.0", NODENAME: "jail2" };
  await using agent = await startAgent({ consul, environment, config: prefixed("announce") });
  expect(await problem(agent, "announce_failed")).toMatch(/Invalid service address.*configured all the same/);
  await agent.converged();
});

test.concurrent("a missing permission fails a watch, then keeps the keys waiting, and everything goes on once it is granted", async () => {
  await using guarded = await startConsul({ acl: true });
  const policy = await readFile(path.join(import.meta.dirname, "../../packaging/consul-policy.hcl"), "utf8");
  const without = (prefix: string) =>
    policy.replace(new RegExp(`^key_prefix "${prefix}".*\\n.*\\n}$`, "m"), "");
  const rules = { Name: "narrow", Rules: without("mastodon/") };
  await guarded.request("PUT", "/v1/acl/policy", rules);
  const token = tokenSchema.parse(
    await guarded.request("PUT", "/v1/acl/token", { Policies: [{ Name: "narrow" }] }),
  );
  const environment = { ...HOSTS, CONSUL_HTTP_TOKEN: token.SecretID };
  await using agent = await startAgent({ consul: guarded, environment });
  const give = (Rules: string) =>
    guarded.request("PUT", `/v1/acl/policy/${token.Policies[0]?.ID}`, { Name: "narrow", Rules });
  expect(await problem(agent, "watch_failing")).toMatch(
    /^kv mastodon\/: permission denied.*consul-policy\.hcl/,
  );
  await give(without("mastodon-agent/"));
  expect(await problem(agent, "keys_waiting")).toMatch(/secret\.key: it is missing.*consul-policy\.hcl/);
  expect(await waitingOf(agent)).toMatchObject({
    kind: "keys",
    reason: expect.stringContaining("it is missing"),
  });
  await give(policy);
  await noProblem(agent, PATIENCE_MS);
}, 200_000);

test.concurrent("servers that lost their majority are reported, and what is in force stays", async () => {
  await using cluster = await startCluster(2);
  const [asked, other] = cluster.servers;
  if (asked === undefined || other === undefined) throw new Error("a cluster of two has two servers");
  await using agent = await startAgent({ consul: asked, environment: HOSTS });
  await agent.converged();
  const before = await readFile(agent.envFile, "utf8");
  await other.kill();
  expect(await problem(agent, "consul_no_leader", PATIENCE_MS)).toMatch(/list-peers.*more than half/);
  expect(await readFile(agent.envFile, "utf8")).toBe(before);
  await other.start();
  await noProblem(agent, PATIENCE_MS);
}, 200_000);

/** Keys are pinned by domain, so each agent on this Consul has its own. */
function born(name: string) {
  return { ...HOSTS, DOMAIN: `${name}.example.org` };
}

function prefixed(prefix: string) {
  return { watch: { prefix } };
}

async function waitingOf(agent: TestAgent): Promise<Waiting | undefined> {
  return (await agent.status()).next_change?.waiting;
}

/** Its message, as soon as it is there. */
async function problem(agent: TestAgent, code: string, deadlineMs?: number): Promise<string> {
  return until(
    code,
    async () => {
      const { problems } = await agent.status();
      const found = problems.find((each) => each.code === code);
      if (found === undefined) throw new Error(JSON.stringify(problems));
      return found.message;
    },
    deadlineMs,
  );
}

async function noProblem(agent: TestAgent, deadlineMs?: number): Promise<void> {
  await until(
    "everything to be well",
    async () => {
      const { state, problems } = await agent.status();
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      return state === "converged";
    },
    deadlineMs,
  );
}
