import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/options/config-file.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("the configuration in docs/configuration.md is what the potluck profile has", async () => {
  await using folder = await temporaryFolder();
  const page = await readFile(path.join(import.meta.dirname, "..", "..", "docs", "configuration.md"), "utf8");
  const block = page.split("```yaml\n").at(-1)?.split("```")[0] ?? "";
  const documented = folder.file("documented.yaml");
  await writeFile(documented, block);
  const none = folder.file("none.yaml");
  await writeFile(none, `${block.replace("profile: potluck", "profile: none")}`);
  expect(readConfig(documented)).toEqual(readConfig(undefined));
  expect({ ...readConfig(none), profile: "potluck" }, "nothing is left out").toEqual(readConfig(undefined));
});
