import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readOptions } from "../../src/options.ts";
import { HOSTS, JAIL } from "../world/agent.ts";
import { checkout } from "../world/programs.ts";
import { temporaryFolder } from "../world/temporary.ts";

test.each([
  ["unit", true],
  ["child", false],
  ["external", false],
])("has a unit for the Consul client if that is a service (%s: %s)", async (agent, isThere) => {
  await using folder = await temporaryFolder();
  const configFile = folder.file("agent.yaml");
  await writeFile(configFile, `consul: { agent: ${agent} }\n`);
  const { units } = readOptions({
    environment: { ...JAIL, ...HOSTS },
    configFile,
    templates: path.join(checkout(), "templates"),
  });
  expect(units.some(({ name }) => name === "consul")).toBe(isThere);
});
