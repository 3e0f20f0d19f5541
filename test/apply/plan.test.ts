import { expect, test } from "vitest";
import { fileSchema, type UnitSpec, unitSchema } from "../../src/apply/config.ts";
import {
  type CurrentFile,
  inHaste,
  isKnown,
  NO_PROCESS_VARIABLES,
  type Placed,
  plan,
  type Running,
  type UnitDigests,
  unsettled,
} from "../../src/apply/plan.ts";

const A: UnitDigests = { reload: "a", restart: "a" };
const B: UnitDigests = { reload: "b", restart: "a" };
const C: UnitDigests = { reload: "b", restart: "c" };

const spec = { ...fileSchema.parse({ template: "t", path: "/etc/x" }), name: "x" };

function unit(name: string, more: Partial<Record<"restart" | "start", unknown>> = {}): UnitSpec {
  return { ...unitSchema.parse({ reload: [{ touch: `/${name}` }], ...more }), name };
}

type There = Pick<CurrentFile, "content" | "asSpecified">;

function desired(units: Record<string, UnitDigests>, there?: There): Placed {
  const file = there && { ...there, bytes: Buffer.from(there.content), mode: 0o600, uid: 0, gid: 0 };
  const place = { target: spec.path, asked: { mode: 0o600 }, there: file };
  return { digest: "d", files: [{ spec, content: "new", place }], units: new Map(Object.entries(units)) };
}

function actions(
  units: readonly UnitSpec[],
  wanted: Record<string, UnitDigests>,
  runsWith: Record<string, UnitDigests>,
  running: Record<string, Running> = {},
): string[] {
  const made = plan(
    desired(wanted),
    new Map(Object.entries(runsWith)),
    units,
    new Map(Object.entries(running)),
  );
  return made.actions.map(({ kind, unit: { name } }) => `${kind} ${name}`);
}

test.each([
  ["is not there", undefined, true],
  ["differs", { content: "old", asSpecified: true }, true],
  ["has the wrong mode or owner", { content: "new", asSpecified: false }, true],
  ["is right", { content: "new", asSpecified: true }, false],
])("writes a file that %s: %s", (_, there, written) => {
  expect(plan(desired({}, there), new Map(), [], new Map()).writes).toHaveLength(written ? 1 : 0);
});

test("concerns only the units that run with something else", () => {
  const units = [unit("web"), unit("nginx")];
  expect(actions(units, { web: B, nginx: A }, { web: A, nginx: A })).toEqual(["reload web"]);
  expect(actions(units, { web: A, nginx: A }, { web: A, nginx: A })).toEqual([]);
});

test("concerns a unit if it is not known what it runs with", () => {
  expect(actions([unit("web")], { web: A }, {})).toEqual(["reload web"]);
});

test("restarts only for what a reload does not read, and reloads where there is no restart", () => {
  const restart = { restart: [{ touch: "/r" }] };
  expect(actions([unit("web", restart)], { web: B }, { web: A })).toEqual(["reload web"]);
  expect(actions([unit("web", restart)], { web: C }, { web: A })).toEqual(["restart web"]);
  expect(actions([unit("web")], { web: C }, { web: A })).toEqual(["reload web"]);
});

test("starts a unit that is down, even if nothing changed", () => {
  const start = { start: [{ touch: "/s" }] };
  expect(actions([unit("web", start)], { web: A }, { web: A }, { web: "stopped" })).toEqual(["start web"]);
  expect(actions([unit("web", start)], { web: B }, { web: A }, { web: "unknown" })).toEqual(["reload web"]);
  expect(actions([unit("web")], { web: A }, { web: A }, { web: "stopped" })).toEqual([]);
  expect(actions([unit("web")], { web: B }, { web: A }, { web: "stopped" })).toEqual(["reload web"]);
});

test("reloads an ill unit if that brings it something new, and otherwise starts it", () => {
  const web = unit("web", { start: [{ touch: "/s" }] });
  const ill = { web: "ill" } as const;
  expect(actions([web], { web: B }, { web: A }, ill)).toEqual(["reload web"]);
  expect(actions([web], { web: A }, { web: A }, ill)).toEqual(["start web"]);
  expect(actions([web], { web: A }, {}, ill)).toEqual(["start web"]);
  expect(actions([unit("web")], { web: A }, { web: A }, ill)).toEqual([]);
});

test("the order is syslog-ng, sidekiq, web, streaming, then as configured", () => {
  const units = ["nginx", "streaming", "web", "consul", "sidekiq", "syslog-ng"].map((name) => unit(name));
  const wanted = Object.fromEntries(units.map(({ name }) => [name, B]));
  expect(actions(units, wanted, {})).toEqual(
    ["syslog-ng", "sidekiq", "web", "streaming", "nginx", "consul"].map((name) => `reload ${name}`),
  );
});

test("leaves a unit alone if nothing is desired of it", () => {
  expect(actions([unit("web", { start: [{ touch: "/s" }] })], {}, {}, { web: "stopped" })).toEqual([]);
});

test("a running unit about which nothing is known is reloaded, and restarted only for a process environment of ours", () => {
  const web = unit("web", { restart: [{ touch: "/r" }] });
  expect(actions([web], { web: { reload: "a", restart: NO_PROCESS_VARIABLES } }, {})).toEqual(["reload web"]);
  expect(actions([web], { web: A }, {})).toEqual(["restart web"]);
});

test("an interrupted reload is planned again as a reload, not as a restart", () => {
  const web = unit("web", { restart: [{ touch: "/r" }] });
  const [action] = plan(desired({ web: B }), new Map([["web", A]]), [web], new Map()).actions;
  const left = action === undefined ? A : unsettled(action);
  expect(isKnown(left)).toBe(false);
  expect(actions([web], { web: A }, { web: left })).toEqual(["reload web"]);
});

test("in an urgent change sidekiq comes last, because it is slow", () => {
  const units = ["sidekiq", "web", "streaming", "nginx"].map((name) => unit(name));
  const wanted = Object.fromEntries(units.map(({ name }) => [name, B]));
  const usual = plan(desired(wanted), new Map(), units, new Map());
  expect(inHaste(usual).actions.map(({ unit: { name } }) => name)).toEqual([
    "web",
    "streaming",
    "nginx",
    "sidekiq",
  ]);
  expect(inHaste(usual).writes).toEqual(usual.writes);
});
