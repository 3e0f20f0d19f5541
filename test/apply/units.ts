/** Real programs as units, and what a transaction wants around it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type FileSpec, fileSchema, type UnitSpec, unitSchema } from "../../src/apply/config.ts";
import { place } from "../../src/apply/place.ts";
import { type Plan, plan, type Running, type UnitDigests } from "../../src/apply/plan.ts";
import { isRunning } from "../../src/apply/running.ts";
import { type ApplyContext, apply } from "../../src/apply/transaction.ts";
import { digest } from "../../src/base/digest.ts";
import { silentLog } from "../../src/report/log.ts";
import { freePort } from "../world/ports.ts";
import { type Running as Program, start } from "../world/spawn.ts";
import type { TemporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const fixtures = join(import.meta.dirname, "fixtures");

export const steps = { log: silentLog(), redact: (text: string) => text.replaceAll("hunter2", "[redacted]") };

export function entry(path: string, more: Record<string, unknown> = {}): FileSpec {
  return { ...fileSchema.parse({ template: "t", path, ...more }), name: "file" };
}

export function unit(name: string, description: Record<string, unknown>): UnitSpec {
  return { ...unitSchema.parse(description), name };
}

/** A step that notes a word in a file, so that the order of steps can be read there. */
export function note(file: string, word: string): { run: string[] } {
  return { run: ["sh", "-c", 'echo "$1" >> "$0"', file, word] };
}

export interface Web extends AsyncDisposable {
  readonly program: Program;
  readonly url: string;
  readonly pidfile: string;
  answer(): Promise<string>;
  pid(): Promise<number>;
}

/** A supervised program that reads `config` and answers with it; returns once it answers. */
export async function startWeb(folder: TemporaryFolder, config: string): Promise<Web> {
  const pidfile = folder.file("web.pid");
  const port = await freePort();
  const argv = [pidfile, process.execPath, join(fixtures, "program.ts"), config, String(port)];
  const program = await start(process.execPath, [join(fixtures, "supervise.ts"), ...argv]);
  const url = `http://127.0.0.1:${port}/`;
  const answer = async () => (await fetch(url, { headers: { connection: "close" } })).text();
  const web = {
    program,
    url,
    pidfile,
    answer,
    pid: async () => Number(await readFile(pidfile, "utf8")),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
  await until("the program's first answer", answer);
  return web;
}

/** What the agent remembers and wants, and one round of looking, planning and applying. */
export class House {
  readonly runsWith = new Map<string, UnitDigests>();
  readonly units: readonly UnitSpec[];
  readonly context: ApplyContext;

  constructor(units: readonly UnitSpec[], more: Partial<ApplyContext> = {}) {
    this.units = units;
    const remember = async (name: string, digests: UnitDigests) => void this.runsWith.set(name, digests);
    this.context = { ...steps, signal: new AbortController().signal, remember, ...more };
  }

  /** All units read all files. */
  async plan(files: readonly (readonly [FileSpec, string])[], restart = ""): Promise<Plan> {
    const reload = digest(JSON.stringify(files.map(([, content]) => content)));
    const digests = { reload, restart: digest(restart) };
    const desired = {
      digest: reload,
      files: files.map(([spec, content]) => ({ spec, content })),
      units: new Map(this.units.map(({ name }) => [name, digests])),
    };
    const running: [string, Running][] = await Promise.all(
      this.units.map(async (one): Promise<[string, Running]> => [one.name, await isRunning(one)]),
    );
    return plan(await place(desired), this.runsWith, this.units, new Map(running));
  }

  async apply(files: readonly (readonly [FileSpec, string])[], restart = ""): ReturnType<typeof apply> {
    return apply(await this.plan(files, restart), this.context);
  }
}

export async function noted(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** A pidfile as a program would have written it at its start. */
export async function writePidfile(path: string, pid: number): Promise<string> {
  await writeFile(path, `${pid}\n`);
  return path;
}
