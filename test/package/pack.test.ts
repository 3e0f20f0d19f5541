import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { packedIn } from "../../scripts/pack.mjs";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

let folder: TemporaryFolder;

// Packed from what is built; `npm test` has built it.
beforeAll(async () => {
  folder = await temporaryFolder("package");
  await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder.path]);
  const tarball = (await readdir(folder.path)).find((name) => name.endsWith(".tgz")) ?? "";
  await run("npm", ["init", "--yes"], { cwd: folder.path });
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", folder.file(tarball)], {
    cwd: folder.path,
  });
  return () => folder[Symbol.asyncDispose]();
});

test("the installed package needs no other package and shows its help", async () => {
  expect(await readdir(folder.file("node_modules"))).toEqual([
    ".bin",
    ".package-lock.json",
    "mastodon-consul-agent",
  ]);
  const help = await run(folder.file("node_modules", ".bin", "mastodon-agent"), ["--help"], {
    cwd: folder.path,
  });
  expect(help).toMatch(/^Usage: mastodon-agent/m);
});

test("the package has the bundle, its templates, the licences of its contents, and no sources", async () => {
  const root = folder.file("node_modules", "mastodon-consul-agent");
  const names = (await readdir(root, { recursive: true })).filter((name) => !name.startsWith("packaging/"));
  expect(names).toEqual(
    expect.arrayContaining([
      "dist/cli.js",
      "dist/lib/main.js",
      "dist/man/mastodon-agent.1",
      "dist/templates/env.production.hbs",
      "dist/THIRD-PARTY-LICENSES.txt",
    ]),
  );
  expect(names.filter((name) => /^(src|test|bench|scripts)\b|\.ts$/.test(name))).toEqual([]);
  expect(
    await readFile(folder.file("node_modules/mastodon-consul-agent/dist/THIRD-PARTY-LICENSES.txt"), "utf8"),
  ).toMatch(/^zod \d/m);
});

test("the package has the documentation where its messages and pages say it is", async () => {
  const root = folder.file("node_modules", "mastodon-consul-agent");
  const pages = (await readdir("docs")).toSorted();
  expect((await readdir(`${root}/docs`)).toSorted()).toEqual(pages);
  expect(await readFile(`${root}/docs/problems.md`, "utf8")).toBe(await readFile("docs/problems.md", "utf8"));
});

test("what would waste memory stays out of the bundle", async () => {
  const lib = folder.file("node_modules", "mastodon-consul-agent", "dist", "lib");
  const chunks = await Promise.all(
    (await readdir(lib))
      .filter((name) => name.endsWith(".js"))
      .map((name) => readFile(`${lib}/${name}`, "utf8")),
  );
  // zod's translations come along with `import { z }`, Node's fetch with an import of node:http.
  expect(chunks.filter((text) => /\/zod\/v4\/locales\/(?!en\.)/.test(text))).toEqual([]);
  expect(chunks.filter((text) => /\bfrom ?"(node:)?https?"/.test(text))).toEqual([]);
});

test("installed globally, it has its manual page where the documentation says", async () => {
  const tarball = (await readdir(folder.path)).find((name) => name.endsWith(".tgz")) ?? "";
  const prefix = folder.file("global");
  await run("npm", ["install", "-g", "--prefix", prefix, "--offline", "--no-audit", folder.file(tarball)]);
  const root = (await run("npm", ["root", "-g", "--prefix", prefix, "--silent"])).trim();
  const inPackage = "mastodon-consul-agent/dist/man/mastodon-agent.1";
  expect(await readFile("docs/commands.md", "utf8")).toContain(`man "$(npm root -g)/${inPackage}"`);
  // npm 12 does not link it any more.
  const linked = Number.parseInt(await run("npm", ["--version", "--silent"]), 10) < 12;
  const pages = [
    path.join(root, inPackage),
    ...(linked ? [path.join(prefix, "share/man/man1/mastodon-agent.1")] : []),
  ];
  for (const page of pages) expect(await readFile(page, "utf8")).toMatch(/^\.Dt MASTODON-AGENT 1$/m);
});

test.each([
  ["up to 11", '[{"filename":"a-1.tgz","files":[]}]'],
  ["from 12 on", '{"a":{"filename":"a-1.tgz","files":[]}}'],
])("what npm %s says of a packed package is understood", (_versions, json) => {
  expect(packedIn(json)).toEqual({ filename: "a-1.tgz", files: [] });
});

test("a Node that is too old is refused, with the exit code of a wrong configuration", async () => {
  const launcher = folder.file("node_modules", "mastodon-consul-agent", "dist", "cli.js");
  // A Node whose version is another is not at hand: the version is what is replaced, the launcher is real.
  const older = "Object.defineProperty(process.versions, 'node', { value: '20.11.1' });";
  const preload = `--import=data:text/javascript,${encodeURIComponent(older)}`;
  await expect(run(process.execPath, [preload, launcher, "--help"])).rejects.toThrow(
    /ended with 78:\nmastodon-agent: this is Node 20\.11\.1\. Install Node 22\.12 or newer\./,
  );
});
