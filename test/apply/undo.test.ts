import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../world/temporary.ts";
import { entry, House, note, noted, startWeb, unit } from "./units.ts";

test.each([
  // Once the old file is back, its supervisor may bring it up before anybody asks: then there is nothing to do to it.
  ["that makes the program fail to start", "broken", [0, 1]],
  ["with which the program starts but is not well", "sick", [1]],
])("puts the old files back after a setting %s, and the site answers", async (_, bad, actionsAgain) => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("env"), { mode: "0600" });
  await writeFile(spec.path, "zero");
  await using web = await startWeb(folder, spec.path);
  const reload = [{ signal: "USR2", pidfile: web.pidfile }];
  const house = new House([unit("web", { reload, health: { http: web.url, timeout: "3s" } })]);
  await house.apply([[spec, "good"]]);
  const remembered = new Map(house.runsWith);

  const outcome = await house.apply([[spec, bad]]);
  expect(outcome).toMatchObject({
    kind: "put_back",
    stage: "verify",
    unit: "web",
    undone: { files: [spec.path], units: ["web"], errors: [] },
    deeds: { wrote: [spec.path], restored: [spec.path] },
  });
  const [first, ...again] = outcome.deeds.actions;
  expect(first).toEqual({ unit: "web", kind: "reload", ok: false });
  expect(actionsAgain).toContain(again.length);
  expect(again.filter(({ unit, ok }) => unit !== "web" || !ok)).toEqual([]);
  expect(await readFile(spec.path, "utf8")).toBe("good");
  expect((await stat(spec.path)).mode & 0o777).toBe(0o600);
  expect(await web.answer()).toBe("good");
  expect(house.runsWith).toEqual(remembered);
  expect(await house.plan([[spec, "good"]])).toEqual({ writes: [], actions: [] });
});

test("rolls back in reverse order, and leaves alone what it had not reached", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const [env, extra] = [entry(folder.file("env")), entry(folder.file("extra"))];
  const noteContent = (name: string) => ({
    run: ["sh", "-c", `echo "${name} $(cat "$1")" >> "$0"`, log, env.path],
  });
  const house = new House([
    unit("sidekiq", { reload: [noteContent("sidekiq")] }),
    unit("web", { reload: [noteContent("web"), { run: ["sh", "-c", '! grep -q bad "$0"', env.path] }] }),
    unit("streaming", { reload: [noteContent("streaming")] }),
  ]);
  await house.apply([[env, "good"]]);
  await rm(log);
  const before = new Map(house.runsWith);
  const outcome = await house.apply([
    [env, "bad"],
    [extra, "new"],
  ]);
  expect(await noted(log)).toEqual(["sidekiq bad", "web bad", "web good", "sidekiq good"]);
  expect(outcome).toMatchObject({
    undone: { files: [extra.path, env.path], units: ["web", "sidekiq"], errors: [] },
  });
  expect((await readdir(folder.path)).sort()).toEqual(["env", "log"]);
  expect(house.runsWith).toEqual(before);
});

test("says what it could not put back, and keeps trying", async () => {
  await using folder = await temporaryFolder();
  const [spec, gate] = [entry(folder.file("env")), folder.file("gate")];
  const house = new House([unit("web", { reload: [{ run: ["test", "-e", gate] }] })]);
  await writeFile(gate, "");
  await house.apply([[spec, "one"]]);
  await rm(gate);
  const outcome = await house.apply([[spec, "two"]]);
  expect(outcome).toMatchObject({ kind: "put_back", undone: { files: [spec.path], units: [] } });
  expect(outcome.kind === "put_back" && outcome.undone.errors).toHaveLength(1);
  expect(await readFile(spec.path, "utf8")).toBe("one");
  expect((await house.plan([[spec, "one"]])).actions).toHaveLength(1);
});

test("a unit that became ill with the new files is reloaded with the old ones", async () => {
  await using folder = await temporaryFolder();
  const [log, loaded, spec] = [folder.file("log"), folder.file("loaded"), entry(folder.file("env"))];
  const read = { run: ["cp", spec.path, loaded] };
  const house = new House([
    unit("web", {
      reload: [note(log, "reload"), read],
      start: [note(log, "start"), { run: ["sh", "-c", 'test -e "$1" || cp "$0" "$1"', spec.path, loaded] }],
      health: { run: ["grep", "-q", "good", loaded], timeout: "1s" },
    }),
  ]);
  await house.apply([[spec, "good"]]);
  expect(await house.apply([[spec, "bad"]])).toMatchObject({
    kind: "put_back",
    undone: { files: [spec.path], units: ["web"], errors: [] },
  });
  expect(await readFile(loaded, "utf8")).toBe("good");
  expect(await noted(log)).toEqual(["start", "reload", "reload"]);
});

test("a unit that was down before is no reason to roll back", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("env"));
  const log = folder.file("log");
  const up = folder.file("up");
  await writeFile(up, "");
  const house = new House([
    unit("sidekiq", { reload: [{ run: ["test", "-e", up] }], health: { run: ["test", "-e", up] } }),
    unit("web", { reload: [note(log, "web")] }),
  ]);
  await house.apply([[spec, "one"]]);
  await rm(up);
  const outcome = await house.apply([[spec, "two"]]);
  expect(outcome).toMatchObject({ kind: "failed", unit: "sidekiq" });
  expect(outcome).not.toHaveProperty("undone");
  expect(await readFile(spec.path, "utf8")).toBe("two");
  expect(await noted(log)).toEqual(["web", "web"]);
});

test("puts the first file back when the second cannot be put in place", async () => {
  await using folder = await temporaryFolder();
  const env = entry(folder.file("env"));
  const house = new House([unit("web", { reload: [note(folder.file("log"), "web")] })]);
  await house.apply([[env, "one"]]);
  const before = new Map(house.runsWith);
  // Its check puts a directory where the file shall go, after everything was found to be in order.
  const path = folder.file("late");
  const late = entry(path, { check: ["sh", "-c", 'mkdir -p "$0/full"', path, "{file}"] });
  expect(
    await house.apply([
      [env, "two"],
      [late, "new"],
    ]),
  ).toMatchObject({
    kind: "failed",
    stage: "write",
    undone: { files: [env.path], units: [], errors: [] },
    deeds: { wrote: [env.path], restored: [env.path], actions: [] },
  });
  expect(await readFile(env.path, "utf8")).toBe("one");
  expect((await readdir(folder.path)).sort()).toEqual(["env", "late", "log"]);
  expect(house.runsWith).toEqual(before);
  expect(await noted(folder.file("log"))).toEqual(["web"]);
});
