import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Change } from "../../src/report/change.ts";
import { Metrics } from "../../src/report/metrics.ts";
import { familiesIn, samplesIn } from "./exposition.ts";
import { FULL } from "./fixtures/status.ts";

const SECONDS = Date.parse("2026-01-02T03:04:05.000Z") / 1000;

test("counters start at zero for everything known in advance", async () => {
  const samples = samplesIn(await someMetrics().scrape(FULL));
  expect(samples.get('mastodon_agent_problems_total{code="change_put_back"}')).toBe(0);
  expect(samples.get("mastodon_agent_inputs_rejected_total")).toBe(0);
  expect(samples.get('mastodon_agent_endpoint_changes_total{dependency="s3"}')).toBe(0);
  expect(samples.get('mastodon_agent_probes_total{dependency="redis",result="unreachable"}')).toBe(0);
  expect(samples.get('mastodon_agent_changes_total{outcome="put_back",urgent="true"}')).toBe(0);
  expect(samples.get('mastodon_agent_unit_actions_total{unit="web",action="restart",outcome="failed"}')).toBe(
    0,
  );
  expect(samples.get("mastodon_agent_change_duration_seconds_count")).toBe(0);
  expect(samples.get('mastodon_agent_stage_duration_seconds_count{stage="gate"}')).toBe(0);
});

test("gauges show the status at the moment of the scrape, and forget what it was before", async () => {
  const metrics = someMetrics();
  const before = samplesIn(await metrics.scrape(FULL));
  expect(before.get('mastodon_agent_info{version="1.2.3",node="web1"}')).toBe(1);
  expect(before.get('mastodon_agent_state{state="degraded"}')).toBe(1);
  expect(before.get('mastodon_agent_state{state="converged"}')).toBe(0);
  expect(before.get("mastodon_agent_converged")).toBe(1);
  expect(before.get("mastodon_agent_held")).toBe(0);
  expect(before.get('mastodon_agent_problems{code="input_refused"}')).toBe(2);
  expect(before.get('mastodon_agent_problems{code="a_new_one"}')).toBe(1);
  expect(before.get('mastodon_agent_problems{code="key_missing"}')).toBe(0);
  expect(before.get('mastodon_agent_watch_index{watch="kv mastodon/"}')).toBe(12345);
  expect(before.get('mastodon_agent_watch_up{watch="service redis"}')).toBe(0);
  expect(before.get('mastodon_agent_watch_last_answer_timestamp_seconds{watch="kv mastodon/"}')).toBe(
    SECONDS,
  );
  expect(before.get('mastodon_agent_candidates{dependency="redis",eligible="false"}')).toBe(2);
  expect(
    before.get(
      String.raw`mastodon_agent_endpoint_info{dependency="redis",host="10.0.0.1",port="6379",source="catalogue: service \"redis1\""}`,
    ),
  ).toBe(1);
  expect(before.get("mastodon_agent_last_change_timestamp_seconds")).toBe(SECONDS);
  expect(before.get('mastodon_agent_certificate_expiry_timestamp_seconds{domain="social.example.org"}')).toBe(
    SECONDS,
  );

  const { redis } = FULL.endpoints;
  if (redis === undefined) throw new Error("the fixture has a redis");
  const moved = {
    ...FULL,
    endpoints: { redis: { ...redis, host: "10.0.0.2" } },
    hold: "a reason",
    desired: "def",
  };
  const after = samplesIn(await metrics.scrape(moved));
  const endpoints = [...after.keys()].filter((key) => key.startsWith("mastodon_agent_endpoint_info"));
  expect(endpoints).toEqual([expect.stringContaining('host="10.0.0.2"')]);
  expect(after.get("mastodon_agent_held")).toBe(1);
  expect(after.get("mastodon_agent_converged")).toBe(0);
});

test("nobody fills Prometheus by what they register: labels are short and visible, and series are few", async () => {
  const { redis } = FULL.endpoints;
  if (redis === undefined) throw new Error("the fixture has a redis");
  const source = `catalogue: service \x1b[2J${"x".repeat(5000)}`;
  const probes = Array.from({ length: 5000 }, (_, port) => ({
    dependency: "redis",
    host: "10.0.0.1",
    port,
    ok: true,
    reason: "",
  }));
  const text = await someMetrics().scrape({ ...FULL, probes, endpoints: { redis: { ...redis, source } } });
  const series = [...samplesIn(text).keys()];
  expect(series.filter((key) => key.startsWith("mastodon_agent_probe_up")).length).toBe(200);
  const [info = ""] = series.filter((key) => key.startsWith("mastodon_agent_endpoint_info"));
  expect(info.length).toBeLessThan(400);
  expect(info).toContain(String.raw`service \\x1b[2Jxxx`);
});

test("what is not known has no sample, rather than a false zero", async () => {
  const text = await someMetrics().scrape({ ...FULL, last_change: null });
  const series = [...samplesIn(text).keys()];
  expect(series.filter((key) => key.startsWith("mastodon_agent_last_change"))).toEqual([]);
  expect(series.filter((key) => key.startsWith("mastodon_agent_unit_up"))).toEqual([
    'mastodon_agent_unit_up{unit="web"}',
  ]);
  expect(series.filter((key) => /watch_last_answer.*service redis/.test(key))).toEqual([]);
  expect(series.filter((key) => /endpoint_info.*s3/.test(key))).toEqual([]);
});

test("nothing is converged while it is not known what is asked for", async () => {
  const samples = samplesIn(await someMetrics().scrape({ ...FULL, desired: null, applied: null }));
  expect(samples.get("mastodon_agent_converged")).toBe(0);
});

test("an endpoint probed with old and new credentials is up only if both work", async () => {
  const samples = samplesIn(await someMetrics().scrape(FULL));
  expect(samples.get('mastodon_agent_probe_up{dependency="redis",host="10.0.0.1",port="6379"}')).toBe(0);
});

test("a change counts once, with its units, its endpoints and where its time went", async () => {
  const metrics = someMetrics();
  metrics.changed(CHANGE);
  metrics.changed({ ...CHANGE, outcome: "put_back" });
  const samples = samplesIn(await metrics.scrape(FULL));
  expect(samples.get('mastodon_agent_changes_total{outcome="applied",urgent="true"}')).toBe(1);
  expect(samples.get('mastodon_agent_changes_total{outcome="put_back",urgent="true"}')).toBe(1);
  expect(samples.get('mastodon_agent_changes_total{outcome="failed",urgent="true"}')).toBe(0);
  expect(samples.get('mastodon_agent_unit_actions_total{unit="web",action="reload",outcome="failed"}')).toBe(
    2,
  );
  expect(samples.get('mastodon_agent_unit_actions_total{unit="sidekiq",action="start",outcome="ok"}')).toBe(
    2,
  );
  expect(
    [...samples].filter(([key, value]) => key.includes('unit="streaming"') && value !== 0),
    "it was not reached",
  ).toEqual([]);
  expect(samples.get('mastodon_agent_endpoint_changes_total{dependency="redis"}'), "not what failed").toBe(1);
  expect(samples.get('mastodon_agent_endpoint_changes_total{dependency="s3"}'), "not the first of all").toBe(
    0,
  );
  expect(samples.get("mastodon_agent_change_duration_seconds_sum")).toBe(5);
  expect(samples.get('mastodon_agent_stage_duration_seconds_count{stage="reload"}')).toBe(4);
  expect(samples.get('mastodon_agent_stage_duration_seconds_bucket{le="0.025",stage="reload"}')).toBe(2);
});

test("problems and probes are counted as they come, and refused inputs separately", async () => {
  const metrics = someMetrics();
  for (const code of ["input_refused", "render_refused", "unit_unhealthy"] as const) metrics.began({ code });
  metrics.probed("redis", "refused");
  const samples = samplesIn(await metrics.scrape(FULL));
  expect(samples.get('mastodon_agent_problems_total{code="unit_unhealthy"}')).toBe(1);
  expect(samples.get("mastodon_agent_inputs_rejected_total")).toBe(2);
  expect(samples.get('mastodon_agent_probes_total{dependency="redis",result="refused"}')).toBe(1);
});

test("docs/metrics.md has every metric with its type and labels, and no other", async () => {
  const families = familiesIn(await someMetrics().scrape(FULL));
  const rows = [...families].map(([name, { type, labels }]) => [name, type, [...labels].sort().join(", ")]);
  const page = await readFile("docs/metrics.md", "utf8");
  const told = [...page.matchAll(/^\| `((?:mastodon_agent|process)_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|$/gm)];
  const written = told.map(([, name, type, labels = ""]) => [
    name,
    type,
    [...labels.matchAll(/`(\w+)`/g)]
      .map(([, label]) => label)
      .sort()
      .join(", "),
  ]);
  expect(written.toSorted()).toEqual(rows.toSorted());
});

const CHANGE: Change = {
  at: "2026-01-02T03:04:05.000Z",
  cause: "REDISHOST from service redis1",
  outcome: "applied",
  problem: null,
  urgent: true,
  values: [],
  endpoints: [
    { dependency: "redis", before: "10.0.0.1:6379", after: "10.0.0.2:6379" },
    { dependency: "s3", before: null, after: "10.0.0.3:443" },
  ],
  units: ["sidekiq", "web"],
  actions: [
    { unit: "sidekiq", kind: "start", ok: true },
    { unit: "web", kind: "reload", ok: false },
  ],
  wrote: [],
  restored: [],
  duration_ms: 2500,
  spans: [
    { stage: "settle", ms: 1, ok: true },
    { stage: "reload", unit: "sidekiq", ms: 20, ok: true },
    { stage: "verify", unit: "sidekiq", ms: 20, ok: true },
    { stage: "reload", unit: "web", ms: 2000, ok: true },
    { stage: "verify", unit: "web", ms: 400, ok: false },
  ],
  desired: "abc",
};

function someMetrics(): Metrics {
  return new Metrics({
    units: ["web", "sidekiq", "streaming"],
    dependencies: ["redis", "s3"],
    probed: ["redis"],
  });
}
