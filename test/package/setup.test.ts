import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { freePort } from "../world/ports.ts";
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

test("where Debian 11 is gone from the mirror, Consul is built with go", async () => {
  await using mirror = await emptyMirror();
  const output = await bringConsul(mirror.address, { go: true });
  expect(output).toMatch(
    /Debian 11 \(bullseye\), whose consul is wanted, is no longer on http:.*past its end/,
  );
  expect(output).toMatch(/^built 1\.\d+\.\d+ as \/target$/m);
});

test("where there is no go either, the message says what is gone and what helps", async () => {
  await using mirror = await emptyMirror();
  const output = await bringConsul(mirror.address, { go: false });
  expect(output).toMatch(/failed: [\s\S]*no longer on http:[\s\S]*set CONSUL_BIN to one/);
  expect(output).not.toContain("built");
});

test("a system without Debian sources has no Debian mirror", async () => {
  expect(await mirrorOf({ "sources.list": ["deb http://archive.example/ubuntu noble main"] })).toBe(
    "undefined",
  );
});

/** A mirror that has no release at all. */
async function emptyMirror(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((_, response) => response.writeHead(404).end());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${port}/debian`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the set-up says; the build itself takes too long, so it only says that it would be done. */
async function bringConsul(mirror: string, { go }: { readonly go: boolean }): Promise<string> {
  await using folder = await temporaryFolder();
  // The machine may have a go of its own.
  await symlink("/usr/bin/apt-get", folder.file("apt-get"));
  if (go) await writeFile(folder.file("go"), "#!/bin/sh\n", { mode: 0o755 });
  const script = `import { bringConsul } from "./scripts/setup/consul.mjs";
    const say = (text) => console.log(text);
    const build = async (version, target) => say("built " + version + " as " + target);
    const given = { target: "/target", mirror: process.argv[1], progress: { say, detail() {} }, build };
    await bringConsul(given).catch(({ message }) => say("failed: " + message));`;
  return await run(process.execPath, ["--input-type=module", "-e", script, mirror], {
    env: { PATH: folder.path },
  });
}

async function mirrorOf(files: Readonly<Record<string, readonly string[]>>): Promise<string> {
  await using folder = await temporaryFolder();
  await mkdir(folder.file("sources.list.d"));
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(folder.file(name), `${lines.join("\n")}\n`);
  }
  const script = `import { debianMirror } from "./scripts/setup/apt-sources.mjs"; console.log(debianMirror(process.argv[1]))`;
  return (await run(process.execPath, ["--input-type=module", "-e", script, folder.path])).trim();
}
