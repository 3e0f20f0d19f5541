import { expect, test } from "vitest";
import { UnitWatch } from "../../src/agent/unit-watch.ts";
import { silentLog } from "../../src/report/log.ts";
import { Problems } from "../../src/report/problems.ts";
import { noted, unit } from "../apply/units.ts";
import { freePort } from "../world/ports.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const reload = [{ touch: "/dev/null" }];

test("a slow health command is waited for, run once at a time, and holds up no other unit", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const script = 'echo begin >> "$0"; sleep 2.5; echo end >> "$0"';
  const slow = unit("slow", { reload, health: { run: ["sh", "-c", script, log] } });
  const down = unit("down", { reload, health: { tcp: `127.0.0.1:${await freePort()}` } });
  await using watch = watching(slow, down);
  await until("the unit that is down to be told", () => watch.problems.list().length > 0);
  expect(watch.health.has("slow")).toBe(false);
  await until("two answers", async () => (await noted(log)).length >= 4);
  expect((await noted(log)).slice(0, 4)).toEqual(["begin", "end", "begin", "end"]);
  expect(watch.health.get("slow")).toMatchObject({ healthy: true });
});

test("the end of the agent does not wait for a health command", async () => {
  await using folder = await temporaryFolder();
  const script = 'echo begin >> "$0"; exec sleep 60';
  const hanging = unit("web", { reload, health: { run: ["sh", "-c", script, folder.file("log")] } });
  await using watch = watching(hanging);
  await until("the command to begin", async () => (await noted(folder.file("log"))).length === 1);
  await watch[Symbol.asyncDispose]();
  expect(watch.health.size).toBe(0);
});

function watching(...units: readonly ReturnType<typeof unit>[]) {
  const problems = new Problems(silentLog());
  const watch = new UnitWatch({
    units,
    isBusy: () => false,
    redact: (text) => text,
    problems,
    onChange: () => {},
    lookEveryMs: 20,
  });
  const end = new AbortController();
  const ended = watch.run(end.signal);
  const stop = () => {
    end.abort();
    return ended;
  };
  return { problems, health: watch.health, [Symbol.asyncDispose]: stop };
}
