import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("the set-up prints nothing when nothing is missing", async () => {
  expect(await run(process.execPath, ["scripts/setup.mjs", "dependencies", "world"])).toBe("");
});

test("the set-up names its steps when it is asked for another", async () => {
  await expect(run(process.execPath, ["scripts/setup.mjs", "wolrd"])).rejects.toThrow(
    /ended with 64:\nsetup: there is no step "wolrd"; steps: dependencies, demo, world, build/,
  );
});

test("the machine's own Debian mirror is found among classic sources", async () => {
  const mirror = await mirrorOf({
    "sources.list": [
      "# deb http://commented.example/debian bookworm main",
      "deb cdrom:[Debian 12]/ bookworm main",
      "deb-src http://sources.example/debian bookworm main",
      "deb http://mirror.example/debian-security bookworm-security main",
      "deb [arch=amd64 signed-by=/usr/share/keyrings/some.gpg] http://mirror.example/debian bookworm main contrib # ours",
    ],
    "sources.list.d/third.list": ["deb [signed-by=/third.gpg] https://third.example/apt third main"],
  });
  expect(mirror).toBe("http://mirror.example/debian");
});

test("the machine's own Debian mirror is found among deb822 sources", async () => {
  const mirror = await mirrorOf({
    "sources.list.d/a.sources": [
      "Types: deb",
      "URIs: https://third.example/node",
      "Suites: nodistro",
      "Components: main",
    ],
    "sources.list.d/debian.sources": [
      "Enabled: no",
      "Types: deb",
      "URIs: http://off.example/debian",
      "Suites: bookworm",
      "Components: main",
      "",
      "# the mirror next door",
      "Types: deb deb-src",
      "URIs: http://near.example/debian",
      "Suites:",
      " bookworm",
      " bookworm-updates",
      "Components: main",
    ],
  });
  expect(mirror).toBe("http://near.example/debian");
});

test("a system without Debian sources has no Debian mirror", async () => {
  expect(await mirrorOf({ "sources.list": ["deb http://archive.example/ubuntu noble main"] })).toBe(
    "undefined",
  );
});

async function mirrorOf(files: Readonly<Record<string, readonly string[]>>): Promise<string> {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("sources.list.d"));
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(folder.file(name), `${lines.join("\n")}\n`);
  }
  const script = `import { debianMirror } from "./scripts/setup/apt-sources.mjs"; console.log(debianMirror(process.argv[1]))`;
  return (await run(process.execPath, ["--input-type=module", "-e", script, folder.path])).trim();
}
