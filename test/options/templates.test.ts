import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { Misconfigured } from "../../src/base/errors.ts";
import { loadTemplate } from "../../src/options/templates.ts";
import { temporaryFolder } from "../world/temporary.ts";

const NAME = "env.production.hbs";

test("a template given by a bare name is the one beside the configuration file, else the agent's own", async () => {
  await using folder = await temporaryFolder();
  const places = await twoPlaces(folder.path);
  expect(loadTemplate(spec(NAME), places).isBuiltIn).toBe(true);
  await writeFile(path.join(places.own, NAME), "OWN=1\n");
  expect(loadTemplate(spec(NAME), places).isBuiltIn).toBe(false);
});

test("a template given by an absolute path is that file, or is refused, whatever its name", async () => {
  await using folder = await temporaryFolder();
  const places = await twoPlaces(folder.path);
  const file = path.join(folder.path, "elsewhere", NAME);
  const load = () => loadTemplate(spec(file), places);
  expect(load).toThrow(Misconfigured);
  expect(load).toThrow(`files.env.template: ${file}: there is no such template (looked for ${file}).`);
  await mkdir(path.dirname(file));
  await writeFile(file, "OWN=1\n");
  expect(load().isBuiltIn).toBe(false);
});

test("a template given by a relative path is looked for only beside the configuration file", async () => {
  await using folder = await temporaryFolder();
  const places = await twoPlaces(folder.path);
  expect(() => loadTemplate(spec(`mine/${NAME}`), places)).toThrow("there is no such template");
});

async function twoPlaces(folder: string): Promise<{ own: string; builtIn: string }> {
  const places = { own: path.join(folder, "etc"), builtIn: path.join(folder, "templates") };
  for (const place of Object.values(places)) await mkdir(place);
  await writeFile(path.join(places.builtIn, NAME), "BUILT_IN=1\n");
  return places;
}

function spec(template: string) {
  return { name: "env", template, path: "/srv/mastodon/.env.production", mode: "0640" };
}
