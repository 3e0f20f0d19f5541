/** What a check command leaves must be the very file that was staged, and a file's place the one that the agent found. */
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { placeFile } from "../../src/apply/place.ts";
import { stage } from "../../src/apply/stage.ts";
import { Misconfigured, Refused } from "../../src/base/errors.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { entry, House, note, noted, unit } from "./units.ts";

/** Shell words that get the staged file as $0 and a folder elsewhere as $1. */
const meddling: readonly [string, string][] = [
  ["replaces it by a link", 'mv "$0" "$1/moved" && ln -s "$1/moved" "$0"'],
  ["replaces it by another file with the same bytes", 'cp "$0" "$1/copy" && mv "$1/copy" "$0"'],
  ["writes into it", 'echo more >> "$0"'],
  ["opens it to everybody", 'chmod 0666 "$0"'],
  ["gives it a second name", 'ln "$0" "$1/second"'],
  ["removes it", 'rm "$0"'],
  ["puts a folder in its place", 'rm "$0" && mkdir "$0"'],
];

test.each(meddling)("a check that %s: nothing is written, and nothing reloaded", async (_, script) => {
  await using folder = await temporaryFolder();
  const [place, elsewhere] = [folder.file("place"), folder.file("elsewhere")];
  for (const each of [place, elsewhere]) await mkdir(each);
  const log = folder.file("log");
  const house = new House([unit("web", { reload: [note(log, "web")] })]);
  const path = `${place}/env`;
  await house.apply([[entry(path), "one"]]);
  const check = ["sh", "-c", script, "{file}", elsewhere];
  const outcome = await house.apply([[entry(path, { check }), "two"]]);
  expect(outcome).toMatchObject({ kind: "refused", stage: "check", error: expect.any(Refused) });
  expect(String(outcome.kind === "refused" && outcome.error)).toMatch(
    /env: its check changed or replaced the file it was given.*only read/,
  );
  expect(await readFile(path, "utf8")).toBe("one");
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readdir(place)).toEqual(["env"]);
  expect(await noted(log)).toEqual(["web"]);
  expect(await house.apply([[entry(path), "two"]])).toMatchObject({ kind: "applied" });
  expect(await readFile(path, "utf8")).toBe("two");
});

test("a link that appears, or leads elsewhere, after the start is not followed", async () => {
  await using folder = await temporaryFolder();
  const [path, first, other] = ["env", "first", "other"].map((name) => folder.file(name));
  if (path === undefined || first === undefined || other === undefined) throw new Error("no names");
  for (const each of [first, other]) await writeFile(each, "as it was");
  await symlink(other, path);
  const leads = (target: string) => placeFile({ spec: { ...entry(path), target }, content: "new" });
  await expect(leads(first)).rejects.toThrow(Misconfigured);
  await expect(leads(path)).rejects.toThrow(/env: it leads to \S+other, but led to itself when .*SIGHUP/);
  const staged = await stage(await leads(other));
  staged.commit();
  expect(await readFile(other, "utf8")).toBe("new");
  expect(await readFile(first, "utf8")).toBe("as it was");
});
