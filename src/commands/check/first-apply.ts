/** What the first apply takes out of a `.env.production` that somebody else has written. Names only, never values. */
import { readFile } from "node:fs/promises";
import { keyStorageOf } from "../../agent/key-storage.ts";
import { type Complaint, codeOf, ExitCode, sentence } from "../../base/errors.ts";
import { reveal } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import { parseAsRuby } from "../../render/ruby-dotenv.ts";
import { slotOf } from "../../sources/kv-slot.ts";
import type { Look } from "../look.ts";
import type { Inspection, Told } from "./inspection.ts";

export function firstApplyInspections(options: Options, { evaluation, memory }: Look): readonly Inspection[] {
  const { liveEnvFile: file } = keyStorageOf(options);
  const { variables } = evaluation;
  if (memory.applied !== undefined || variables === undefined || file === undefined) return [];
  return [["first apply", () => nothingRemoved(file, variables, options)]];
}

async function nothingRemoved(
  file: string,
  rendered: NonNullable<Look["evaluation"]["variables"]>,
  options: Options,
): Promise<string | Told> {
  const live = parseAsRuby(await readIfThere(file));
  if (live.size === 0) return `there is no ${file} with anything in it yet`;
  const removed = [...live.keys()].filter((name) => !rendered.has(name));
  const changed = [...live].filter(
    ([name, text]) => rendered.has(name) && reveal(rendered.get(name) ?? "") !== text,
  );
  const changes = changed.length === 0 ? "" : `, and changes ${changed.map(([name]) => name).join(", ")}`;
  if (removed.length === 0) return `it removes no line of ${file}${changes}`;
  const complaints = complaintsAbout(removed, file, options);
  return { verdict: "warn", messages: complaints.map(sentence), exitCode: ExitCode.ok };
}

/** One for all that may be kept in the same way, and one for each that may not. */
function complaintsAbout(
  names: readonly string[],
  where: string,
  { config, node }: Options,
): readonly Complaint[] {
  const slots = names.map((name) => ({ name, slot: slotOf(`env/${name}`, node) }));
  const kept = slots.filter(({ slot }) => slot.kind !== "refused").map(({ name }) => name);
  const others = slots.flatMap(({ name, slot }): readonly Complaint[] => {
    if (slot.kind !== "refused") return [];
    const what = `the first apply removes the line of ${name}, which cannot be kept by env/${name}: ${slot.reason.what}`;
    return [{ where, what, cure: slot.reason.cure }];
  });
  if (kept.length === 0) return others;
  const what = `the first apply removes the lines of ${kept.join(", ")}, which no source has`;
  const cure = `Keep what Mastodon needs, each by its name: consul kv put ${config.watch.prefix}/env/${kept[0]} VALUE. \`mastodon-agent render --diff\` shows the lines.`;
  return [{ where, what, cure }, ...others];
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
