import { readFile } from "node:fs/promises";
import { parse } from "dotenv";
import { expect, test } from "vitest";
import { SETTING_NAMES, settingSpec } from "../../src/settings/schema.ts";
import { OPERATOR_VARIABLES, VARIABLES } from "../../src/settings/variables.ts";
import { hardValues } from "../render/hard-values.ts";
import { readByRuby } from "../render/ruby.ts";
import { HOSTS, startAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const VALUES = 10_000;

/** Consul takes no more operations at once. */
const LARGEST_TRANSACTION = 64;

/** What only a free text may be. */
const EVERYTHING = `"a free text's type takes this" (é) \u00a0`;

/** Everything that takes a free text: the key to put it under, and the variable in which it arrives. */
const FREE_TEXTS = [
  ...settingsOfFreeText(),
  ...OPERATOR_VARIABLES.filter(isFreeText).map((name) => ({ key: `env/${name}`, variable: name })),
];

test("Ruby's and Node's dotenv read back 10,000 values put through KV into .env.production without one difference", {
  timeout: 240_000,
}, async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: { units: {} },
    logLevel: "warn",
  });
  await agent.converged();
  const files: string[] = [];
  const expectations: Record<string, string>[] = [];
  for (const expected of rounds()) {
    await putAll(consul, expected);
    files.push(await until("both to arrive", () => fileWith(agent.envFile, expected)));
    expectations.push(expected);
  }
  const byRuby = await readByRuby(files);
  for (const [round, expected] of expectations.entries()) expect(byRuby[round]).toMatchObject(expected);
  expect(expectations.flatMap((expected) => Object.keys(expected)).length).toBeGreaterThanOrEqual(VALUES);
});

/** Values by variable, for as many rounds as it takes. Equal ones would not tell a round from the one before. */
function* rounds(): Generator<Record<string, string>> {
  const values = hardValues(Number.POSITIVE_INFINITY);
  for (let count = 0; count < VALUES; count += FREE_TEXTS.length) {
    yield Object.fromEntries(FREE_TEXTS.map(({ variable }) => [variable, nextAcceptable(values)]));
  }
}

function nextAcceptable(values: Iterator<string, unknown>): string {
  for (;;) {
    const { value } = values.next();
    if (typeof value === "string" && settingSpec("DBPASS").type.accept(value) !== undefined) return value;
  }
}

/** One transaction, so that each round is one change. */
async function putAll(consul: ConsulServer, expected: Readonly<Record<string, string>>): Promise<void> {
  const operations = FREE_TEXTS.map(({ key, variable }) => ({
    KV: {
      Verb: "set",
      Key: `mastodon/${key}`,
      Value: Buffer.from(expected[variable] ?? "").toString("base64"),
    },
  }));
  for (let at = 0; at < operations.length; at += LARGEST_TRANSACTION)
    await consul.request("PUT", "/v1/txn", operations.slice(at, at + LARGEST_TRANSACTION));
}

async function fileWith(
  file: string,
  expected: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const text = await readFile(file, "utf8");
  const seen = parse(text);
  const wrong = Object.keys(expected).filter((name) => seen[name] !== expected[name]);
  if (wrong.length > 0) throw new Error(`Node sees something else in ${wrong.join(", ")}`);
  return text;
}

function settingsOfFreeText(): { key: string; variable: string }[] {
  return SETTING_NAMES.filter(
    (name) => !settingSpec(name).join && settingSpec(name).type.accept(EVERYTHING) !== undefined,
  ).flatMap((name) => {
    const [variable] =
      [...VARIABLES].find(([, { origin }]) => origin.kind === "setting" && origin.setting === name) ?? [];
    return variable === undefined ? [] : [{ key: `settings/${name}`, variable }];
  });
}

function isFreeText(name: string): boolean {
  return VARIABLES.get(name)?.type.accept(EVERYTHING) !== undefined;
}
