import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { familiesIn, namesIn, samplesIn } from "../report/exposition.ts";
import { GOSSIP_KEY, HOSTS, JAIL, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { promtool, startPrometheus } from "../world/prometheus.ts";
import { startRedis } from "../world/redis.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const SECRETS = [GOSSIP_KEY, JAIL.MAILPASS, JAIL.DBPASS, JAIL.BUCKETPASS];

test("a scrape shows states, watches, endpoints, probes, changes, units and problems as they are, and fills every panel of the dashboard", async () => {
  await using consul = await startConsul();
  const redis1 = { id: "redis1", service: "redis", address: "127.0.0.1", port: await freePort() } as const;
  await using _first = await startRedis({ port: redis1.port });
  await using second = await startRedis();
  const redis2 = { ...redis1, id: "redis2", port: second.port } as const;
  await consul.register({ ...redis1, status: "passing" });
  const web = { reload: [{ run: ["true"] }], health: { tcp: `127.0.0.1:${redis2.port}` } };
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    prepare: ownCertificate,
    config: (folder) => ({
      dependencies: { ...UNPROBED, redis: { probe: true } },
      units: { web },
      ...withCertificate(folder),
    }),
  });
  await agent.converged();
  await using prometheus = await startPrometheus({ target: agent.url });
  await until("a scrape", async () => (await prometheus.seriesOf("mastodon_agent_info")) === 1);
  const before = await scrape(agent);
  expect(before.get('mastodon_agent_info{version="0.1.0",node="jail1"}')).toBe(1);
  expect(before.get('mastodon_agent_state{state="converged"}')).toBe(1);
  expect(before.get("mastodon_agent_converged")).toBe(1);
  expect(before.get("mastodon_agent_consul_joined")).toBe(1);
  expect(before.get("mastodon_agent_consul_members")).toBe(1);
  expect(before.get('mastodon_agent_watch_up{watch="kv mastodon/"}')).toBe(1);
  expect(before.get('mastodon_agent_watch_index{watch="service redis"}')).toBeGreaterThan(0);
  expect(
    before.get('mastodon_agent_watch_last_answer_timestamp_seconds{watch="kv mastodon/"}'),
  ).toBeGreaterThan(Date.now() / 1000 - 120);
  expect(before.get(endpointOf(redis1))).toBe(1);
  expect(before.get('mastodon_agent_candidates{dependency="redis",eligible="true"}')).toBe(1);
  expect(before.get('mastodon_agent_unit_current{unit="web"}')).toBe(1);
  expect(before.get('mastodon_agent_changes_total{outcome="applied",urgent="false"}')).toBe(1);
  expect(before.get('mastodon_agent_endpoint_changes_total{dependency="redis"}')).toBe(0);
  expect(before.get('mastodon_agent_unit_actions_total{unit="web",action="reload",outcome="ok"}')).toBe(1);

  await consul.register({ ...redis2, status: "passing" });
  await consul.setCheck(redis1, "critical");
  await consul.put("mastodon/settings/MAILPORT", "abc");
  await until("the move", async () => (await scrape(agent)).get(endpointOf(redis2)) === 1);
  await until(
    "the refusal",
    async () => (await scrape(agent)).get('mastodon_agent_problems{code="input_refused"}') === 1,
  );
  const after = await scrape(agent);
  expect(after.get(endpointOf(redis1))).toBeUndefined();
  expect(after.get('mastodon_agent_endpoint_changes_total{dependency="redis"}')).toBe(1);
  expect(after.get('mastodon_agent_endpoint_since_timestamp_seconds{dependency="redis"}')).toBeGreaterThan(
    before.get('mastodon_agent_endpoint_since_timestamp_seconds{dependency="redis"}') ?? Number.NaN,
  );
  expect(after.get('mastodon_agent_probes_total{dependency="redis",result="writable"}')).toBeGreaterThan(0);
  expect(after.get('mastodon_agent_changes_total{outcome="applied",urgent="true"}')).toBe(1);
  expect(after.get("mastodon_agent_change_duration_seconds_count")).toBe(2);
  expect(after.get('mastodon_agent_stage_duration_seconds_count{stage="reload"}')).toBe(2);
  expect(after.get("mastodon_agent_inputs_rejected_total")).toBe(1);
  expect(after.get('mastodon_agent_problems_total{code="input_refused"}')).toBe(1);
  expect(after.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);

  const dead = await freePort();
  await consul.put("mastodon/settings/REDISPORT", String(dead));
  const probe = `mastodon_agent_probe_up{dependency="redis",host="127.0.0.1",port="${dead}"}`;
  await until("the probe to fail", async () => (await scrape(agent)).get(probe) === 0);
  const queries = queriesIn(await readFile("packaging/grafana/mastodon-agent.json", "utf8"));
  expect(queries.length).toBeGreaterThan(25);
  for (const query of queries)
    await until(`an answer to ${query}`, async () => (await prometheus.seriesOf(query)) > 0, 30_000);
});

test("a real scrape passes promtool, holds no secret, and has everything that the dashboard and the alerts use", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS });
  await agent.converged();
  const response = await fetch(`${agent.url}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  await using folder = await temporaryFolder();
  await writeFile(folder.file("metrics"), text);
  expect(await promtool(["check", "metrics"], folder.file("metrics"))).toBe("");
  expect(SECRETS.filter((secret) => text.includes(secret))).toEqual([]);

  const known = familiesIn(text);
  const dashboard = await readFile("packaging/grafana/mastodon-agent.json", "utf8");
  const alerts = await readFile("packaging/prometheus/alerts.yml", "utf8");
  const used = { dashboard: namesIn(dashboard, known), alerts: namesIn(alerts, known) };
  expect(used.dashboard.length).toBeGreaterThan(20);
  expect([...used.dashboard, ...used.alerts].filter((name) => !known.has(name))).toEqual([]);
});

function endpointOf({ id, address, port }: { id: string; address: string; port: number }): string {
  return `mastodon_agent_endpoint_info{dependency="redis",host="${address}",port="${port}",source="catalogue: service ${id}"}`;
}

/** The site's own, in a place where a file that is rendered names it. */
async function ownCertificate(folder: string): Promise<void> {
  const { serverCertificate, serverKey } = await makeCertificates(folder, "127.0.0.1", JAIL.DOMAIN);
  const own = path.join(folder, "own", JAIL.DOMAIN);
  await mkdir(own, { recursive: true });
  await copyFile(serverCertificate, path.join(own, "fullchain.pem"));
  await copyFile(serverKey, path.join(own, "privkey.pem"));
  await writeFile(path.join(folder, "tls.txt.hbs"), "{{certificate}}\n");
}

function withCertificate(folder: string): object {
  const [keys, state, certificates] = ["keys", "state", "own"].map((name) => path.join(folder, name));
  return {
    paths: { keys, state, certificates, mastodon: folder },
    certificates: { directory: "" },
    files: {
      env: { template: "env.production.hbs", path: path.join(folder, ".env.production"), mode: "0640" },
      tls: { template: "tls.txt.hbs", path: path.join(folder, "tls.txt"), mode: "0644", units: ["web"] },
    },
  };
}

async function scrape(agent: TestAgent): Promise<ReadonlyMap<string, number>> {
  return samplesIn(await (await fetch(`${agent.url}/metrics`)).text());
}

/** With the variables filled in as Grafana does. */
function queriesIn(dashboard: string): readonly string[] {
  const texts = [...dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, json = ""]) =>
    String(JSON.parse(json)),
  );
  return texts.map((text) => text.replaceAll(/\$(job|instance)/g, ".+").replaceAll("$__rate_interval", "1m"));
}
