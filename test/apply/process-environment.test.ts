import { expect, test } from "vitest";
import { environmentOf, fromPs } from "../../src/apply/process-environment.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

const GIVEN = { DB_HOST: "10.0.0.9", EMPTY: "", URL: "postgres://u:p=1@h/x" };

test("reads a running program's environment, from /proc and from ps alike", async () => {
  await using program = await start("sleep", ["60"], { onlyEnv: GIVEN });
  for (const read of [environmentOf, fromPs]) {
    // Before it is itself it is a copy of whoever starts it.
    await until("its own environment", async () => (await read(program.pid))?.has("DB_HOST"));
    const found = new Map(
      [...((await read(program.pid)) ?? [])].map(([name, value]) => [name, value.reveal()]),
    );
    expect(Object.fromEntries(found)).toEqual(GIVEN);
  }
});

test("knows nothing about a program that is gone", async () => {
  const program = await start("true", []);
  await program.exited;
  expect([await environmentOf(program.pid), await fromPs(program.pid)]).toEqual([undefined, undefined]);
});
