import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { checkout } from "../world/programs.ts";
import { type Exit, run, start } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

const VERSION = "99.0.0";
const ENTRY = "- Something that somebody notices.";
/** git wants to know who commits. */
const SOMEBODY = {
  GIT_AUTHOR_NAME: "Somebody",
  GIT_AUTHOR_EMAIL: "somebody@example.org",
  GIT_COMMITTER_NAME: "Somebody",
  GIT_COMMITTER_EMAIL: "somebody@example.org",
};

let folder: TemporaryFolder;
let sources: string;

beforeAll(async () => {
  folder = await temporaryFolder("release");
  sources = folder.file("sources");
  await copySources(sources);
  return () => folder[Symbol.asyncDispose]();
});

test("a dry run of a release says what it would do, and changes nothing", async () => {
  const { code, output } = await release(VERSION);
  expect(output).toMatch(new RegExp(`^package.json, package-lock.json: version ${VERSION}$`, "m"));
  expect(output).toMatch(/^Nothing was changed\. To do it, add --commit\.$/m);
  expect(code).toBe(0);
  expect(await git("status", "--porcelain", "--ignored")).not.toContain("release/");
  expect(await git("tag")).toBe("");
});

test("everything that prevents a release is reported at once", async () => {
  await writeFile(path.join(sources, "stray"), "");
  const changelog = await readFile(path.join(sources, "CHANGELOG.md"), "utf8");
  await writeFile(
    path.join(sources, "CHANGELOG.md"),
    "# Changes\n\n## Unreleased\n\n## 0.0.1 - 2026-01-01\n",
  );
  const { code, output } = await release("0.0.1", "--commit");
  expect(output.match(/^refused: .*/gm)).toEqual([
    expect.stringContaining("the tree is not clean"),
    expect.stringContaining("0.0.1 is older than"),
    expect.stringContaining("CHANGELOG.md already has 0.0.1"),
    expect.stringContaining('nothing below "## Unreleased"'),
  ]);
  expect(code).toBe(65);
  expect(await release("next")).toMatchObject({ code: 64 });
  await writeFile(path.join(sources, "CHANGELOG.md"), changelog);
  await git("clean", "--force", "--quiet", "stray");
});

test("a release is a commit and a tag, and a package made from that tag has the same bytes everywhere, whoever makes it", async () => {
  const { code, output } = await release(VERSION, "--commit");
  expect(code, output).toBe(0);
  expect(await git("status", "--porcelain")).toBe("");
  expect(await git("show", "--stat", "--format=%s", `v${VERSION}^{commit}`)).toMatch(
    new RegExp(`^Release ${VERSION}\\n[^]* CHANGELOG\\.md [^]* package-lock\\.json [^]* package\\.json `),
  );
  const today = new Date().toISOString().slice(0, 7);
  expect(await readFile(path.join(sources, "CHANGELOG.md"), "utf8")).toMatch(
    new RegExp(`^## Unreleased\\n\\n## ${VERSION} - ${today}-\\d\\d\\n\\n### Added\\n\\n${ENTRY}\\n`, "m"),
  );
  const made = path.join(sources, "release");
  expect((await readdir(made)).toSorted()).toEqual([
    "SHA256SUMS",
    `mastodon-consul-agent-${VERSION}.cdx.json`,
    `mastodon-consul-agent-${VERSION}.tgz`,
  ]);
  expect(await run("sha256sum", ["--check", "SHA256SUMS"], { cwd: made })).toMatch(/(.* OK\n){2}/);

  const clone = folder.file("deeper", "down", "clone");
  const pack = `umask 077
    git clone --quiet --branch v${VERSION} ${sources} ${clone} 2>/dev/null
    ln -s ${path.join(checkout(), "node_modules")} ${clone}/node_modules
    cd / && exec ${process.execPath} ${clone}/scripts/pack.mjs ${folder.file("again")}`;
  await run("sh", ["-c", pack]);
  expect(await readFile(folder.file("again", "SHA256SUMS"), "utf8")).toBe(
    await readFile(path.join(made, "SHA256SUMS"), "utf8"),
  );

  await run("tar", ["-xzf", path.join(made, `mastodon-consul-agent-${VERSION}.tgz`), "-C", folder.path]);
  const places = [folder.path, checkout()].flatMap((place) => ["-e", place]);
  const { code: nothingFound } = await ended("grep", ["-rlF", ...places, folder.file("package")]);
  expect(nothingFound, "no place of this machine's is in it").toBe(1);
});

test("the bill of materials has exactly the packages whose licences are included", async () => {
  const bill = sbom.parse(JSON.parse(await readFile(path.join(sources, "dist", "sbom.cdx.json"), "utf8")));
  expect(bill.metadata.component).toMatchObject({ name: "mastodon-consul-agent", version: VERSION });
  const licences = await readFile(path.join(sources, "dist", "THIRD-PARTY-LICENSES.txt"), "utf8");
  const named = [...licences.matchAll(/^-{80}\n\n(\S+) (\S+) \(/gm)].map(
    ([, name = "", version]) => `pkg:npm/${name.replace("@", "%40")}@${version}`,
  );
  expect(named.length).toBeGreaterThan(20);
  expect(bill.components.map(({ purl }) => purl).toSorted()).toEqual([...new Set(named)].toSorted());
  expect(bill.dependencies).toEqual([
    { ref: `pkg:npm/mastodon-consul-agent@${VERSION}`, dependsOn: bill.components.map(({ purl }) => purl) },
  ]);
});

const sbom = z.object({
  bomFormat: z.literal("CycloneDX"),
  metadata: z.object({ component: z.object({ name: z.string(), version: z.string() }) }),
  components: z.array(
    z.object({
      purl: z.string(),
      licenses: z.array(
        z.union([z.object({ license: z.object({ id: z.string() }) }), z.object({ expression: z.string() })]),
      ),
      hashes: z.tuple([
        z.object({ alg: z.literal("SHA-512"), content: z.string().regex(/^[0-9a-f]{128}$/) }),
      ]),
    }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

/** What is in the checkout now, committed or not, as a repository of its own with something to release. */
async function copySources(target: string): Promise<void> {
  const listed = await run("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: checkout(),
  });
  for (const name of listed.split("\n").filter(Boolean)) {
    // One that was deleted and not committed is still listed.
    await cp(path.join(checkout(), name), path.join(target, name)).catch(() => {});
  }
  await symlink(path.join(checkout(), "node_modules"), path.join(target, "node_modules"));
  const changelog = path.join(target, "CHANGELOG.md");
  const text = await readFile(changelog, "utf8");
  await writeFile(changelog, text.replace("## Unreleased\n", `## Unreleased\n\n### Added\n\n${ENTRY}\n`));
  await git("init", "--quiet");
  await mkdir(path.join(target, ".git", "info"), { recursive: true });
  await writeFile(path.join(target, ".git", "info", "exclude"), "node_modules\n");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "What there is");
}

function git(...argv: string[]): Promise<string> {
  return run("git", argv, { cwd: sources, env: SOMEBODY });
}

async function release(...argv: string[]): Promise<Exit & { readonly output: string }> {
  return ended(process.execPath, [path.join(sources, "scripts", "release.mjs"), ...argv]);
}

async function ended(command: string, argv: readonly string[]): Promise<Exit & { readonly output: string }> {
  await using running = await start(command, argv, { env: SOMEBODY });
  return { ...(await running.exited), output: running.output() };
}
