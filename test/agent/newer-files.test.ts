import { expect, test } from "vitest";
import { NO_MEMORY } from "../../src/agent/memory.ts";
import { doubting, filesIn, newerFiles } from "../../src/agent/newer-files.ts";
import type { PlacedFile } from "../../src/apply/plan.ts";

const asked = { mode: 0o640 };

function specOf(path: string) {
  return { name: "a", template: "a.hbs", path, mode: "0640" };
}

function file(path: string, content: string | undefined, readBy: readonly string[]): PlacedFile {
  const bytes = Buffer.from(content ?? "");
  const there =
    content === undefined ? undefined : { bytes, content, mode: 0o640, uid: 0, gid: 0, asSpecified: true };
  return { spec: specOf(path), content: "wanted", readBy, place: { target: path, asked, there } };
}

const ENV = "/srv/.env.production";
const NGINX = "/etc/nginx.conf";
const MEMORY = {
  ...NO_MEMORY,
  files: filesIn([
    { spec: specOf(ENV), content: "remembered" },
    { spec: specOf(NGINX), content: "remembered" },
  ]),
  units: { web: { reload: "a", restart: "b" }, nginx: { reload: "c", restart: "d" } },
};

const rows: readonly [what: string, content: string | undefined, isNewer: boolean][] = [
  ["as it is remembered", "remembered", false],
  ["another", "changed", true],
  ["as it is wanted now, though that is not remembered", "wanted", true],
  ["gone", undefined, false],
];

test.each(rows)("tells whether a file is newer than the state: it is %s", (_, content, isNewer) => {
  const files = [file(ENV, content, ["web"]), file(NGINX, "remembered", ["nginx"])];
  const placed = { digest: "", units: new Map(), files };
  const newer = newerFiles(placed, MEMORY);
  expect(newer.map(({ spec }) => spec.path)).toEqual(isNewer ? [ENV] : []);
  expect(newerFiles(placed, NO_MEMORY), "of which nothing is remembered").toEqual([]);
});

test("what the readers of such a file run with is unknown; the other units are not doubted", () => {
  const { units } = doubting(MEMORY, [file(ENV, "changed", ["web", "sidekiq"])]);
  expect(units).toEqual({ web: { reload: "", restart: "b" }, nginx: { reload: "c", restart: "d" } });
});
