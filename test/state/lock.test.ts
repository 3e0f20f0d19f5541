import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Misconfigured } from "../../src/base/errors.ts";
import { lockState } from "../../src/state/lock.ts";
import { type Running, start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const holdLock = join(import.meta.dirname, "fixtures/hold-lock.ts");

function contend(directory: string): Promise<Running> {
  return start(process.execPath, [holdLock, directory]);
}

test("refuses the second agent and names the first", async () => {
  await using folder = await temporaryFolder();
  await using first = await contend(folder.path);
  await until("the first to hold it", () => first.output().includes("held"));
  const second = lockState(folder.path);
  await expect(second).rejects.toThrow(Misconfigured);
  await expect(second).rejects.toThrow(`pid ${first.pid}`);
});

test("is free again once released, with nothing left behind", async () => {
  await using folder = await temporaryFolder();
  const first = await lockState(folder.path);
  await expect(lockState(folder.path)).rejects.toThrow(`pid ${process.pid}`);
  await first.release();
  expect(await readdir(folder.path)).toEqual([]);
  await using _second = await lockState(folder.path);
});

test("takes over from an agent that was killed", async () => {
  await using folder = await temporaryFolder();
  await using first = await contend(folder.path);
  await until("the first to hold it", () => first.output().includes("held"));
  first.signal("SIGKILL");
  await first.exited;
  await using _mine = await lockState(folder.path);
  expect(JSON.parse(await readFile(folder.file("agent.lock"), "utf8"))).toMatchObject({ pid: process.pid });
  expect(await readdir(folder.path)).toEqual(["agent.lock"]);
});

test.each([
  ["a stranger that was given the holder's pid", JSON.stringify({ pid: process.pid, started: "earlier" })],
  ["a file that a full disk left empty", ""],
])("takes over from %s", async (_, content) => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("agent.lock"), content);
  await using _mine = await lockState(folder.path);
});

test("gives a dead agent's lock to exactly one of many agents that start at the same moment", async () => {
  for (let round = 0; round < 3; round++) {
    await using folder = await temporaryFolder();
    await writeFile(folder.file("agent.lock"), JSON.stringify({ pid: 1, started: "earlier" }));
    const contenders = await Promise.all(Array.from({ length: 6 }, () => contend(folder.path)));
    try {
      await until("everyone's answer", () => contenders.every((one) => one.output() !== ""));
      expect(contenders.map((one) => one.output().trim()).filter((answer) => answer === "held")).toHaveLength(
        1,
      );
    } finally {
      await Promise.all(contenders.map((one) => one.stop()));
    }
  }
});
