import { expect, test } from "vitest";
import { unset } from "../../src/agent/explanation.ts";
import { documentOf, publishStatus } from "../../src/agent/status-document.ts";
import { silentLog } from "../../src/report/log.ts";
import { Notice } from "../../src/report/notice.ts";
import { Problems } from "../../src/report/problems.ts";
import { type Status, statusSchema } from "../../src/report/status.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { clientAt } from "../consul/fixtures/connection.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const KEY = "mastodon-agent/social.example.org/status/jail1";

test("the first and the last of a burst of changes are put, and an age is not a change", async () => {
  await using consul = await startConsul();
  const client = clientAt(consul.address);
  const notice = new Notice();
  const puts: string[] = [];
  let reason = "first";
  let age = 0;
  const end = new AbortController();
  const publishing = publishStatus(
    {
      client: {
        kvKey: client.kvKey,
        put: (key, value, signal) => {
          puts.push(key);
          return client.put(key, value, signal);
        },
      },
      domain: () => "social.example.org",
      status: () => statusWith(reason, age),
      notice,
      problems: new Problems(silentLog()),
      distanceMs: 500,
    },
    end.signal,
  );
  const putReason = async () => JSON.parse((await consul.get(KEY)) ?? "{}").reason;
  notice.tell();
  await until("the first", async () => (await putReason()) === "first");
  for (const next of ["second", "third", "last"]) {
    reason = next;
    notice.tell();
  }
  await until("the last", async () => (await putReason()) === "last");
  expect(puts).toEqual([KEY, KEY]);

  age = 60;
  notice.tell();
  reason = "after that";
  notice.tell();
  await until("what comes after an age", async () => (await putReason()) === "after that");
  expect(puts).toEqual([KEY, KEY, KEY]);
  end.abort();
  await publishing;
});

test("a document that would be too long leaves out what is needed least", () => {
  const values = Array.from({ length: 5 }, () => ({
    level: "shared",
    value: "x".repeat(500),
    where: "",
    index: 1,
  }));
  const setting = { ...unset("MAILHOST", NO_OWN_VARIABLES), values };
  const few = documentOf({ ...statusWith("few", 0), settings: [setting] });
  expect(JSON.parse(few).settings[0].values).toHaveLength(5);
  const many = documentOf({ ...statusWith("many", 0), settings: Array.from({ length: 100 }, () => setting) });
  expect(JSON.parse(many).settings[0].values).toHaveLength(1);
  const tooMany = documentOf({
    ...statusWith("more", 0),
    settings: Array.from({ length: 1000 }, () => setting),
  });
  expect(JSON.parse(tooMany)).not.toHaveProperty("settings");
  expect(JSON.parse(tooMany).reason).toBe("more");
  for (const text of [few, many, tooMany]) expect(Buffer.byteLength(text)).toBeLessThan(100_000);
});

function statusWith(reason: string, age: number): Status {
  const watch = {
    name: "kv mastodon/",
    index: String(age),
    age_seconds: age,
    last_answer_at: null,
    problem: null,
  };
  return statusSchema.parse({
    version: "1.0.0",
    node: "jail1",
    state: "converged",
    reason,
    since: "2026-11-24T10:00:00.000Z",
    started_at: "2026-11-24T10:00:00.000Z",
    hold: null,
    consul: { connected: true, joined: true, members: 1 },
    endpoints: {},
    desired: null,
    applied: null,
    keys: {},
    missing: [],
    settings: [],
    files: [],
    units: {},
    probes: [],
    watches: [watch],
    problems: [],
    certificates: [],
    certificatesTurn: undefined,
    last_change: null,
  });
}
