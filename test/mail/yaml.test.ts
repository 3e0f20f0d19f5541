import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { mailbox, mailUser } from "../../src/settings/mail-types.ts";
import { databaseHost } from "../../src/settings/types.ts";
import { hardValues } from "../render/hard-values.ts";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

/** What Psych knows as something else than text, or might. */
const GUESSED =
  "1 12 0 007 0x1F 0b1 0o7 1_000 +1 -1 1.5 1e5 .5 .inf nan 1:30 12:30:45 2026-11-24 2026-11-24T10:00:00Z yes No ON off true False null ~ y N = << ! & * - ? a: a:b a#b".split(
    " ",
  );

test("YAML reads back what is accepted for email.yml as it was put", async () => {
  const users = [...GUESSED, ...GUESSED.map((text) => `${text}x`), ...hardValues(20_000)];
  const accepted = users.filter((text) => mailUser.accept(text) !== undefined);
  const names = [...GUESSED, ...hardValues(20_000, 7)].map((name) => `${name} <news@example.org>`);
  const senders = names.filter((text) => mailbox.accept(text) !== undefined);
  expect(accepted.length).toBeGreaterThan(1000);
  expect(senders.length).toBeGreaterThan(1000);
  expect(await readAsYaml([...accepted, ...senders])).toEqual([...accepted, ...senders]);
});

test("YAML reads back what is accepted as a host for database.yml or email.yml as it was put", async () => {
  const names = everyRow([..."019_-.exbo"], 4);
  const addresses = everyRow(["", "1", "59", "1e5", "2001", "fd00"], 6).map((groups) => groups.join(":"));
  const texts = [...GUESSED, "2026-1-4", "2026-11-24", ...names.map((name) => name.join("")), ...addresses];
  const accepted = texts.filter((text) => databaseHost.accept(text) === text);
  expect(accepted.length).toBeGreaterThan(1000);
  expect(await readAsYaml(accepted)).toEqual(accepted);
});

function everyRow(pieces: readonly string[], length: number): readonly (readonly string[])[] {
  if (length === 0) return [[]];
  const shorter = everyRow(pieces, length - 1);
  return [
    ...shorter,
    ...shorter
      .filter((row) => row.length === length - 1)
      .flatMap((row) => pieces.map((piece) => [...row, piece])),
  ];
}

async function readAsYaml(texts: readonly string[]): Promise<readonly (string | null)[]> {
  await using folder = await temporaryFolder("yaml");
  const [input, output] = [folder.file("texts.json"), folder.file("seen.json")];
  await writeFile(input, JSON.stringify(texts));
  await run(program("ruby"), [join(checkout(), "test", "mail", "fixtures", "read-yaml.rb"), input, output]);
  return z.array(z.nullable(z.string())).parse(JSON.parse(await readFile(output, "utf8")));
}
