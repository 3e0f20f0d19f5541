/** What becomes of a `.env.production` that somebody else has written. Names only, never values. */
import { keyStorageOf } from "../../agent/key-storage.ts";
import { liveVariables } from "../../agent/live-file.ts";
import { removedLines, removedNames } from "../../agent/takeover.ts";
import { ExitCode, sentence } from "../../base/errors.ts";
import type { Options } from "../../options.ts";
import { parseAsRuby } from "../../render/ruby-dotenv.ts";
import { carriedNames } from "../../settings/carried.ts";
import type { Look } from "../look.ts";
import type { Inspection, Told } from "./inspection.ts";

export function firstApplyInspections(
  options: Options,
  { evaluation: { desired, merged }, memory }: Look,
): readonly Inspection[] {
  const { liveEnvFile } = keyStorageOf(options);
  const file = desired?.files.find(({ spec }) => spec.path === liveEnvFile);
  if (memory.applied !== undefined || file === undefined) return [];
  const rendered = { path: file.spec.path, content: file.content, carried: carriedNames(merged) };
  return [["first apply", () => nothingRemoved(rendered, options)]];
}

interface Rendered {
  readonly path: string;
  readonly content: string;
  /** Names that are in it only because they are in the live file. */
  readonly carried: readonly string[];
}

async function nothingRemoved(
  { path, content, carried }: Rendered,
  options: Options,
): Promise<string | Told> {
  const live = await liveVariables(path);
  if (live.size === 0) return `there is no ${path} with anything in it yet`;
  const rendered = parseAsRuby(content);
  const removed = removedNames(live, content);
  const changed = [...live].filter(([name, text]) => rendered.has(name) && rendered.get(name) !== text);
  const deeds = [
    removed.length === 0 ? `it removes no line of ${path}` : "",
    changed.length === 0 ? "" : `it changes ${changed.map(([name]) => name).join(", ")}`,
    carried.length === 0 ? "" : `it keeps what only that file says: ${carried.join(", ")}`,
    `a copy is kept in ${options.config.paths.state}`,
  ].filter((deed) => deed !== "");
  if (removed.length === 0) return deeds.join("; ");
  const complaints = removedLines(removed, path, options).map(sentence);
  return { verdict: "warn", messages: [...complaints, deeds.join("; ")], exitCode: ExitCode.ok };
}
