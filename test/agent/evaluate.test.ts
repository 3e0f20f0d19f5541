import { expect, test } from "vitest";
import { type Evaluation, evaluate } from "../../src/agent/evaluate.ts";
import { lastGood } from "../../src/agent/last-good.ts";
import { type Memory, memorySchema, NO_MEMORY } from "../../src/agent/memory.ts";
import { inputProblems } from "../../src/agent/problems.ts";
import { readEnvironment } from "../../src/sources/environment.ts";
import { JAIL } from "../world/agent.ts";
import { inputsOf, RULES } from "./inputs.ts";
import { NOT_WATCHED } from "./not-watched.ts";

const SHARED = "mastodon/control/reload";
const NODE = "mastodon/nodes/jail1/control/reload";

const obeyed: readonly [title: string, reload: Memory["reload"], kv: Record<string, string>][] = [
  ["neither is there", { shared: "1", node: "2" }, {}],
  ["the shared one is deleted", { shared: "1", node: "2" }, { [NODE]: "2" }],
  ["the node's is deleted", { shared: "1", node: "2" }, { [SHARED]: "1" }],
  ["both are as they were", { shared: "1", node: "2" }, { [SHARED]: "1", [NODE]: "2" }],
];

test.each(obeyed)("control/reload asks for nothing if %s", (_, reload, kv) => {
  expect(reloadOf(kv, reload)).toEqual(reloadOf({}, reload));
});

const asking: readonly [title: string, reload: Memory["reload"], kv: Record<string, string>][] = [
  ["is put for the first time", {}, { [SHARED]: "1" }],
  ["is put without a value", { shared: "1" }, { [SHARED]: "" }],
  ["is put for the node with the value that the shared one had", { shared: "1" }, { [NODE]: "1" }],
  [
    "is another than before, though both together read the same",
    { shared: "1 2" },
    { [SHARED]: "1", [NODE]: "2" },
  ],
];

test.each(asking)("control/reload asks for a reload if it %s", (_, reload, kv) => {
  expect(reloadOf(kv, reload)).not.toEqual(reloadOf({}, reload));
});

test("a state file with both reload tokens in one text is read, and keeps everything else", () => {
  const older = { ...NO_MEMORY, sentinels: "10.0.0.31:26379", reload: "1 2" };
  expect(memorySchema.parse(older)).toEqual({ ...NO_MEMORY, sentinels: "10.0.0.31:26379" });
});

const PORT = "mastodon/settings/MAILPORT";
const APPLIED = [{ key: PORT, value: "26", modifyIndex: 1 }];
const ACCEPTED = [{ key: PORT, value: "587", modifyIndex: 2 }];

test("the previous good value is the last accepted one, applied or not", () => {
  const inputs = inputsOf({ [PORT]: "many" }, { ...NO_MEMORY, kv: APPLIED });
  expect(portIn(evaluate(RULES, { ...inputs, accepted: ACCEPTED }))).toBe("587");
  expect(portIn(evaluate(RULES, { ...inputs, accepted: [] })), "of a key that was deleted").toBe("25");
});

test("a rollback uses the values that were applied, even if they would no longer be accepted", () => {
  const kv = [{ key: PORT, value: "accepted by an older version", modifyIndex: 1 }];
  const inputs = { ...inputsOf({ [PORT]: "587" }, { ...NO_MEMORY, kv }), accepted: ACCEPTED };
  expect(portIn(lastGood(RULES, inputs, undefined, false))).toBe("accepted by an older version");
});

test("a rollback uses the last good certificate, unless it can no longer be loaded", () => {
  const memory = { ...NO_MEMORY, certificates: { [JAIL.DOMAIN]: "/acme/1" } };
  const inputs = { ...inputsOf({}, memory), certificates: new Map([[JAIL.DOMAIN, "/own"]]) };
  expect(evaluate(RULES, inputs).certificates).toEqual({ [JAIL.DOMAIN]: "/own" });
  const goodCertificates = new Map(Object.entries(memory.certificates));
  expect(lastGood(RULES, { ...inputs, goodCertificates }, undefined, false).certificates).toEqual(
    memory.certificates,
  );
  expect(lastGood(RULES, inputs, undefined, false).certificates).toEqual({ [JAIL.DOMAIN]: "/own" });
});

test("a missing host is reported with an example of its own kind", () => {
  const { MAILHOST: _, ...others } = JAIL;
  const evaluation = evaluate({ ...RULES, environment: readEnvironment(others) }, inputsOf({}, NO_MEMORY));
  const places = { prefix: "mastodon", services: NOT_WATCHED, environmentFiles: [] };
  const puts = inputProblems(evaluation, places).map(
    ({ message }) => /settings\/(\S+ [^\s,`]+)/.exec(message)?.[1],
  );
  expect(puts).toEqual([
    "MAILHOST smtp.example.org",
    "DBHOST 10.0.0.20",
    "REDISHOST redis.example.org",
    "BUCKETHOST s3.example.org",
  ]);
});

function portIn({ merged }: Evaluation): unknown {
  return merged.settings.get("MAILPORT")?.[0].value;
}

/** What web should run with. */
function reloadOf(kv: Record<string, string>, reload: Memory["reload"]): string | undefined {
  return look(kv, { ...NO_MEMORY, reload }).desired?.units.get("web")?.reload;
}

function look(kv: Record<string, string>, memory: Memory): Evaluation {
  return evaluate(RULES, inputsOf(kv, memory));
}
