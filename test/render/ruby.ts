import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const seen = z.array(z.nullable(z.record(z.string(), z.string())));

/** What the real Ruby dotenv makes of each text, in an empty environment; null where it raises. */
export async function readByRuby(texts: readonly string[]): Promise<z.infer<typeof seen>> {
  await using folder = await temporaryFolder("ruby");
  const [input, output] = [folder.file("texts.json"), folder.file("seen.json")];
  await writeFile(input, JSON.stringify(texts));
  const script = join(checkout(), "test", "render", "fixtures", "read-dotenv.rb");
  await run(program("ruby"), [script, input, output]);
  return seen.parse(JSON.parse(await readFile(output, "utf8")));
}
