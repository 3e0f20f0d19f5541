// A newer Consul, built with Go from the module proxy: for the tests with further versions, and where Debian's package
// cannot be had any more.

import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run, which } from "./run.mjs";

/** The newest that was tried. */
export const NEWEST = "1.22.7";

const MODULE = "github.com/hashicorp/consul";
/** In Consul's go.mod these point into its own repository, which the module's archive does not hold; each is published. */
const PARTS = ["api", "envoyextensions", "proto-public", "sdk", "troubleshoot"];
/** Versions that do not compile with what their own go.mod asks for, since a release is made from the repository. */
const NEWER_PARTS = { "1.22.7": { api: "1.34.1" } };

/**
 * Takes one core for ten minutes or more.
 *
 * @param {string} version
 * @param {string} target the program's path
 * @param {{ detail?: (line: string) => void }} [progress]
 * @throws Error where it cannot be built
 */
export async function buildConsul(version, target, { detail } = {}) {
  if (which("go") === undefined) throw new Error("There is no go to build Consul with.");
  const folder = mkdtempSync(join(tmpdir(), "consul-build-"));
  const env = { GOMAXPROCS: "1", CGO_ENABLED: "0" };
  const go = (argv, cwd) => run("nice", ["-n", "19", "go", ...argv], { cwd, env, detail });
  try {
    const answer = await go(["mod", "download", "-json", `${MODULE}@v${version}`], folder);
    const { Dir } = JSON.parse(answer.slice(answer.indexOf("{")));
    // In a copy, since a module that only requires it would not get its own `replace` and `exclude` lines.
    const source = join(folder, "source");
    cpSync(Dir, source, { recursive: true });
    await run("chmod", ["-R", "u+w", source]);
    const drops = PARTS.map((part) => `-dropreplace=${MODULE}/${part}`);
    const needs = Object.entries(NEWER_PARTS[version] ?? {}).map(
      ([part, newer]) => `-require=${MODULE}/${part}@v${newer}`,
    );
    await go(["mod", "edit", ...drops, ...needs], source);
    const flags = ["-mod=mod", "-buildvcs=false", "-p", "1", "-trimpath", "-ldflags", "-s -w"];
    await go(["build", ...flags, "-o", join(folder, "consul"), "."], source);
    place(join(folder, "consul"), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies a program so that nobody ever finds half of it. */
export function place(program, target) {
  mkdirSync(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  copyFileSync(program, unfinished);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, target);
}
