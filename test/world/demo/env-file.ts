import { readFile } from "node:fs/promises";
import { mask } from "../../../src/commands/mask.ts";

/** A variable that is not what it was; undefined where it was or is not there. Secrets are masked. */
export interface Change {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Lines of `.env.production` by variable, as they are written. */
export type EnvFile = ReadonlyMap<string, string>;

export async function readEnvFile(path: string): Promise<EnvFile> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => /^[A-Z]/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line]));
}

export function changes(before: EnvFile, after: EnvFile): readonly Change[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({ name, before: shown(before.get(name)), after: shown(after.get(name)) }));
}

function shown(line: string | undefined): string | undefined {
  return line === undefined ? undefined : mask(line, (text) => text);
}
