import { expect, test } from "vitest";
import { childrenOf, rowsFromPs } from "../../src/state/children.ts";
import { fromPs, isAlive, processOf } from "../../src/state/process.ts";
import { start } from "../world/spawn.ts";
import { until } from "../world/until.ts";

test("tells a process from the next one with the same pid", async () => {
  const me = await processOf(process.pid);
  expect(me).toMatchObject({ pid: process.pid });
  expect(await isAlive({ pid: process.pid, started: me?.started ?? "" })).toBe(true);
  expect(await isAlive({ pid: process.pid, started: "another" })).toBe(false);
});

test("knows how long a process has been running, from the kernel and from ps", async () => {
  await using sleeper = await start("sleep", ["60"]);
  await until("a second of age", async () => ((await processOf(sleeper.pid))?.ageMs ?? 0) > 1000);
  const [kernel, ps] = await Promise.all([processOf(sleeper.pid), fromPs(sleeper.pid)]);
  expect(Math.abs((kernel?.ageMs ?? 0) - (ps?.ageMs ?? 0))).toBeLessThan(5000);
  expect((await fromPs(sleeper.pid))?.started).toBe(ps?.started);
});

test("a process that ended and was not waited for does not count as alive", async () => {
  // The shell becomes a program that never waits for the child it inherits.
  await using parent = await start("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"]);
  const child = Number(await until("the child's pid", () => parent.output().trim()));
  await until("the child to end", async () => (await processOf(child)) === undefined);
  expect(() => process.kill(child, 0)).not.toThrow();
  expect(await fromPs(child)).toBeUndefined();
});

test("knows what a process has forked, but neither their children nor other programs", async () => {
  await using parent = await start("sh", ["-c", "(sleep 60; :) & (sleep 60; :) & sleep 60 & wait"]);
  const children = await until("both", async () => {
    const found = await childrenOf(parent.pid);
    return found.length === 2 && found;
  });
  const rows = await rowsFromPs();
  for (const { pid } of children) {
    expect(rows.find((row) => row.pid === pid)).toEqual({ pid, parent: parent.pid, name: "sh" });
  }
  const grown = rows.filter(({ parent: one }) => [parent, ...children].some(({ pid }) => pid === one));
  expect(grown.filter(({ name }) => name === "sleep")).toHaveLength(3);
  for (const { pid } of grown) process.kill(pid, "SIGKILL");
});

test("knows nothing about an unused pid", async () => {
  const sleeper = await start("sleep", ["60"]);
  await sleeper.stop();
  expect(await processOf(sleeper.pid)).toBeUndefined();
  expect(await fromPs(sleeper.pid)).toBeUndefined();
});
