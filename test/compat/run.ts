/**
 * `npm run test:compat [-- consul] [-- patroni] [-- streaming] [-- rails] [-- debian]`: the tests that face
 * Consul, Patroni and parts of Mastodon itself against further versions, and all of them on another Debian, where these can
 * be had. Says which ones ran, and exits with 1 when a run failed. Not having a version is no failure.
 */
import { join } from "node:path";
import { checkout } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { rails, streaming } from "./checkout.ts";
import { consul } from "./consul.ts";
import { debian } from "./debian.ts";
import { patroni } from "./patroni.ts";
import type { Subject } from "./version.ts";

interface Result {
  readonly line: string;
  readonly isGood: boolean;
}

const SUBJECTS: Readonly<Record<string, Subject>> = { consul, patroni, streaming, rails, debian };

process.exitCode = await testCompatibility(process.argv.slice(2));

async function testCompatibility(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !Object.hasOwn(SUBJECTS, name));
  if (unknown !== undefined) {
    console.error(`compat: there is no "${unknown}"; there are: ${Object.keys(SUBJECTS).join(", ")}`);
    return 64;
  }
  const wanted = Object.entries(SUBJECTS).filter(([name]) => names.length === 0 || names.includes(name));
  const results: Result[] = [];
  for (const [, subject] of wanted) results.push(await testOne(subject));
  for (const { line } of results) console.log(`compat: ${line}`);
  return results.every(({ isGood }) => isGood) ? 0 : 1;
}

async function testOne(subject: Subject): Promise<Result> {
  const say = (line: string) => console.log(`compat: ${line}`);
  const found = await subject.find(say);
  if (found.kind === "missing") {
    return { line: `${subject.name}: no further version ran: ${found.reason}`, isGood: true };
  }
  const title = `${subject.name} ${found.version} (${found.from})`;
  const vitest = [join(checkout(), "node_modules", ".bin", "vitest"), "run", ...subject.tests];
  const [program = "", ...argv] = found.command ?? vitest;
  say(`${title}: ${subject.tests.join(" ")}`);
  let counts = "nothing ran";
  try {
    await using tests = await start(program, argv, {
      cwd: checkout(),
      env: found.env,
      onLine: (line) => {
        console.log(line);
        if (/^\d+ passed, \d+ failed/.test(line)) counts = line;
      },
    });
    const { code } = await tests.exited;
    return { line: `${title}: ${counts}`, isGood: code === 0 };
  } finally {
    await found.remove?.();
  }
}
