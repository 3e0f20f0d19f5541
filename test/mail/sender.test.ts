/** The envelope's sender, as Ruby's own mail takes it from what the settings accept. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { envelopeSender, mailbox } from "../../src/settings/mail-types.ts";
import { hardValues } from "../render/hard-values.ts";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const ADDRESS = "news@example.org";
const PIECES = [..."aé1 .,;:[]()@\"'<>\\!#$%&*+/=?^_`{|}~-“", "(b)", "(c, d)", "Team", "u.s."];

test("Ruby's mail takes the sender that the probe tries, whatever the name that is accepted", async () => {
  const names = [
    ...PIECES.flatMap((one) => [`A${one}`, `A ${one} b`, `A${one}b`]),
    ...PIECES.flatMap((one) => PIECES.map((other) => `A${one} ${other}b`)),
    ...PIECES.flatMap((one) =>
      ["A. ", "A.  ", "A .", "A@", "A @ ", "A (b) ", "A..", "A.b."].map((name) => `${name}${one}`),
    ),
    ...[...hardValues(2000, 11)].map((value) => `A${value}`),
  ];
  const accepted = names
    .flatMap((name) => [`${name} <${ADDRESS}>`, `${name}<${ADDRESS}>`])
    .filter((sender) => mailbox.accept(sender) !== undefined);
  expect(accepted.length).toBeGreaterThan(500);
  const seen = await envelopesOf(accepted.map((sender) => [sender, null]));
  expect(accepted.filter((_, at) => seen[at] !== ADDRESS)).toEqual([]);
  expect(accepted.every((sender) => envelopeSender(sender) === ADDRESS)).toBe(true);
});

test("bare and bracketed addresses arrive as they are", async () => {
  const locals = [..."!#$%&'*+/=?^_`{|}~-.,;:[]()\"\\@é"].flatMap((one) => [`a${one}b`, `a${one}`]);
  const domains = ["example.org", "mail-1.example.org", "localhost", "a..b", ".a", "a.", "a_b.c"];
  const addresses = [
    ...locals.map((local) => `${local}@example.org`),
    ...domains.map((domain) => `news@${domain}`),
  ];
  const accepted = [...addresses, ...addresses.map((address) => `News <${address}>`)].filter(
    (sender) => mailbox.accept(sender) !== undefined,
  );
  expect(accepted.length).toBeGreaterThan(40);
  const seen = await envelopesOf(accepted.map((sender) => [sender, null]));
  expect(seen).toEqual(accepted.map(envelopeSender));
});

test("a return path counts more than the sender", async () => {
  const pair = ["Mastodon <news@example.org>", "Bounces <bounces@example.org>"] as const;
  expect(await envelopesOf([pair])).toEqual([envelopeSender(pair[1])]);
});

async function envelopesOf(
  pairs: readonly (readonly [string, string | null])[],
): Promise<readonly (string | null)[]> {
  await using folder = await temporaryFolder("envelope");
  const [input, output] = [folder.file("pairs.json"), folder.file("seen.json")];
  await writeFile(input, JSON.stringify(pairs));
  await run(program("ruby"), [join(checkout(), "test", "mail", "fixtures", "envelope.rb"), input, output]);
  return z.array(z.nullable(z.string())).parse(JSON.parse(await readFile(output, "utf8")));
}
