import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Refused } from "../../src/base/errors.ts";
import { program } from "../world/programs.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { entry, House, note, noted, startWeb, unit } from "./units.ts";

const NGINX =
  "events {}\npid /tmp/mastodon-agent-test-nginx.pid;\nerror_log stderr;\nhttp { access_log off; }\n";

test("writes, reloads in order, verifies, remembers, and then has nothing left to do", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const spec = entry(folder.file("env"), { mode: "0600" });
  const house = new House(
    ["nginx", "streaming", "web", "sidekiq"].map((name) => unit(name, { reload: [note(log, name)] })),
  );
  const outcome = await house.apply([[spec, "one"]]);
  expect(outcome).toMatchObject({
    kind: "applied",
    deeds: {
      wrote: [spec.path],
      restored: [],
      actions: ["sidekiq", "web", "streaming", "nginx"].map((name) => ({
        unit: name,
        kind: "reload",
        ok: true,
      })),
    },
  });
  expect(await noted(log)).toEqual(["sidekiq", "web", "streaming", "nginx"]);
  expect((await stat(spec.path)).mode & 0o777).toBe(0o600);
  expect(await house.plan([[spec, "one"]])).toEqual({ writes: [], actions: [] });
});

test("corrects a wrong mode without reloading anything", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const house = new House([unit("web", { reload: [note(log, "web")] })]);
  const spec = entry(folder.file("env"), { mode: "0600" });
  await house.apply([[spec, "one"]]);
  expect(await house.apply([[{ ...spec, mode: "0640" }, "one"]])).toMatchObject({
    kind: "applied",
    deeds: { actions: [] },
  });
  expect((await stat(spec.path)).mode & 0o777).toBe(0o640);
  expect(await noted(log)).toEqual(["web"]);
});

test("nginx itself can refuse a file, and then nothing has changed", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const house = new House([unit("web", { reload: [note(log, "web")] })]);
  const check = [program("nginx"), "-t", "-q", "-c", "{file}"];
  const env = entry(folder.file("env"));
  const nginx = entry(folder.file("nginx.conf"), { check });
  expect(
    await house.apply([
      [env, "one"],
      [nginx, NGINX],
    ]),
  ).toMatchObject({ kind: "applied" });
  const remembered = new Map(house.runsWith);

  const outcome = await house.apply([
    [env, "two"],
    [nginx, `${NGINX}hunter2 on;\n`],
  ]);
  expect(outcome).toMatchObject({
    kind: "refused",
    stage: "check",
    error: expect.any(Refused),
    deeds: { wrote: [], restored: [], actions: [] },
  });
  expect(String(outcome.kind === "refused" && outcome.error)).toMatch(
    /nginx\.conf: its check rejects .* unknown directive "\[redacted\]"/,
  );
  expect(await readFile(env.path, "utf8")).toBe("one");
  expect(await readFile(nginx.path, "utf8")).toBe(NGINX);
  expect((await readdir(folder.path)).sort()).toEqual(["env", "log", "nginx.conf"]);
  expect(house.runsWith).toEqual(remembered);
  expect(await noted(log)).toEqual(["web"]);
});

test("refuses the whole change when one of the files has no place", async () => {
  await using folder = await temporaryFolder();
  const house = new House([]);
  const outcome = await house.apply([
    [entry(folder.file("env")), "one"],
    [entry(folder.file("absent", "x")), "one"],
  ]);
  expect(outcome).toMatchObject({ kind: "refused", stage: "stage" });
  expect(await readdir(folder.path)).toEqual([]);
});

test("changes nothing when it cannot record that units are about to change", async () => {
  await using folder = await temporaryFolder();
  const remember = () => Promise.reject(new Error("no space left"));
  const house = new House([unit("web", { reload: [note(folder.file("log"), "web")] })], { remember });
  expect(await house.apply([[entry(folder.file("env")), "one"]])).toMatchObject({ kind: "refused" });
  expect(await readdir(folder.path)).toEqual([]);
});

test("retries a failed reload until it succeeds, although the bytes were written long ago", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("env"));
  const gate = folder.file("gate");
  const house = new House([unit("web", { reload: [{ run: ["test", "-e", gate] }] })]);
  const failed = { kind: "failed", stage: "reload", unit: "web" };
  expect(await house.apply([[spec, "one"]])).toMatchObject(failed);
  expect(await house.apply([[spec, "one"]])).toMatchObject(failed);
  expect((await house.plan([[spec, "one"]])).writes).toEqual([]);
  await writeFile(gate, "");
  expect(await house.apply([[spec, "one"]])).toMatchObject({
    kind: "applied",
    deeds: { actions: [{ unit: "web" }], wrote: [] },
  });
  expect((await house.plan([[spec, "one"]])).actions).toEqual([]);
});

test("reloads again when the old settings come back after a reload that failed halfway", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("env"));
  const house = new House([
    unit("web", { reload: [{ run: ["sh", "-c", '! grep -q bad "$0"', spec.path] }] }),
  ]);
  await house.apply([[spec, "good"]]);
  await writeFile(spec.path, "bad");
  expect(await house.apply([[spec, "bad"]])).toMatchObject({ kind: "failed" });
  expect((await house.plan([[spec, "good"]])).actions).toHaveLength(1);
});

test("one unit that was never healthy does not keep the others from their reload", async () => {
  await using folder = await temporaryFolder();
  const log = folder.file("log");
  const house = new House([
    unit("sidekiq", { reload: [{ run: ["false"] }] }),
    unit("web", { reload: [note(log, "web")] }),
  ]);
  const outcome = await house.apply([[entry(folder.file("env")), "one"]]);
  expect(outcome).toMatchObject({ kind: "failed", unit: "sidekiq" });
  expect(outcome).not.toHaveProperty("undone");
  expect(await noted(log)).toEqual(["web"]);
});

test("starts what is down, restarts for the process environment, reloads for the rest", async () => {
  await using folder = await temporaryFolder();
  const [log, up] = [folder.file("log"), folder.file("up")];
  const spec = entry(folder.file("env"));
  const house = new House([
    unit("web", {
      reload: [note(log, "reload")],
      restart: [note(log, "restart")],
      start: [note(log, "start"), { touch: up }],
      health: { run: ["test", "-e", up] },
    }),
  ]);
  await house.apply([[spec, "one"]]);
  await house.apply([[spec, "two"]]);
  await house.apply([[spec, "two"]], "WEB_CONCURRENCY=4");
  await rm(up);
  await house.apply([[spec, "two"]], "WEB_CONCURRENCY=4");
  expect(await noted(log)).toEqual(["start", "reload", "restart", "start"]);
});

test("an ill unit is reloaded when its settings change, and started if that does not help", async () => {
  await using folder = await temporaryFolder();
  const [log, up, env] = [folder.file("log"), folder.file("up"), entry(folder.file("env"))];
  // It runs with what it read last, and is well unless that is bad. `start` does nothing to one that is up.
  const read = { run: ["sh", "-c", 'test -e "$1" && cp "$0" "$1"', env.path, up] };
  const begin = { run: ["sh", "-c", 'test -e "$1" || cp "$0" "$1"', env.path, up] };
  const house = new House([
    unit("web", {
      reload: [note(log, "reload"), read],
      start: [note(log, "start"), begin],
      health: { run: ["grep", "-q", "good", up], timeout: "1s" },
    }),
  ]);
  expect(await house.apply([[env, "good"]])).toMatchObject({ kind: "applied" });
  await writeFile(up, "its backend is dead");
  expect(await house.apply([[env, "good too"]])).toMatchObject({ kind: "applied" });
  await rm(up);
  expect(await house.apply([[env, "good again"]])).toMatchObject({ kind: "applied" });
  expect(await noted(log)).toEqual(["start", "reload", "reload", "start"]);
});

test("an apply that has begun is finished even though the agent is asked to stop", async () => {
  await using folder = await temporaryFolder();
  const house = new House([unit("web", { reload: [note(folder.file("log"), "web")] })], {
    signal: AbortSignal.abort(),
  });
  expect(await house.apply([[entry(folder.file("env")), "one"]])).toMatchObject({ kind: "applied" });
});

test("a real program reads the new file, verified by its new process", async () => {
  await using folder = await temporaryFolder();
  const spec = entry(folder.file("env"));
  await writeFile(spec.path, "zero");
  await using web = await startWeb(folder, spec.path);
  const house = new House([
    unit("web", { reload: [{ signal: "TERM", pidfile: web.pidfile }], health: { http: web.url } }),
  ]);
  expect(await house.apply([[spec, "one"]])).toMatchObject({ kind: "applied" });
  expect(await web.answer()).toBe("one");
});
