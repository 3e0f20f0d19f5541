/** The first apply over a `.env.production` that somebody else has written: a copy of it, and what becomes of its lines. */
import { basename } from "node:path";
import type { PlacedFile, Plan } from "../apply/plan.ts";
import { digest } from "../base/digest.ts";
import { type Complaint, sentence } from "../base/errors.ts";
import type { Options } from "../options.ts";
import { parseAsRuby } from "../render/ruby-dotenv.ts";
import type { Change } from "../report/change.ts";
import type { Log } from "../report/log.ts";
import { carriedNames } from "../settings/carried.ts";
import { slotOf } from "../sources/kv-slot.ts";
import { keepCopy } from "../state/copies.ts";
import type { Evaluation } from "./evaluate.ts";
import { keyStorageOf } from "./key-storage.ts";
import type { Memory } from "./memory.ts";

export type Takeover = NonNullable<Change["takeover"]>;

interface Scene {
  readonly options: Options;
  readonly memory: Memory;
  readonly log: Log;
}

/**
 * Keeps a copy, and says what goes. Undefined where there is nothing to take over.
 * @throws TryAgain when no copy can be kept: then nothing is replaced
 */
export async function takeOver(
  { writes }: Plan,
  { merged }: Evaluation,
  { options, memory, log }: Scene,
): Promise<Takeover | undefined> {
  const { liveEnvFile: path } = keyStorageOf(options);
  const file = writes.find(({ spec }) => spec.path === path);
  if (memory.applied !== undefined || file === undefined || !isForeign(file, memory)) return undefined;
  const { there } = file.place;
  if (there === undefined) return undefined;
  const copy = await keepCopy(options.config.paths.state, nameOf(file), there.bytes);
  const carried = carriedNames(merged);
  const removed = removedNames(parseAsRuby(there.content), file.content);
  const where = file.spec.path;
  log.info({ file: where, copy, carried }, "the file that was there is taken over");
  for (const complaint of removedLines(removed, where, options))
    log.warn({ file: where, copy, problem: sentence(complaint) }, "lines are removed");
  return { copy, carried: [...carried], removed: [...removed] };
}

/** Names in the file that is there, but not in what is rendered. */
export function removedNames(live: ReadonlyMap<string, string>, content: string): readonly string[] {
  const rendered = parseAsRuby(content);
  return [...live.keys()].filter((name) => !rendered.has(name));
}

/** One complaint for all lines that may be kept in the same way, and one for each that may not. */
export function removedLines(
  names: readonly string[],
  where: string,
  { config, node, own }: Pick<Options, "config" | "node" | "own">,
): readonly Complaint[] {
  const slots = names.map((name) => ({ name, slot: slotOf(`env/${name}`, { node, own }) }));
  const kept = slots.filter(({ slot }) => slot.kind !== "refused").map(({ name }) => name);
  const others = slots.flatMap(({ name, slot }): readonly Complaint[] => {
    if (slot.kind !== "refused") return [];
    const what = `the first apply removes the line of ${name}, which cannot be kept by env/${name}: ${slot.reason.what}`;
    return [{ where, what, cure: slot.reason.cure }];
  });
  if (kept.length === 0) return others;
  const what = `the first apply removes the lines of ${kept.join(", ")}, which no source has`;
  const cure = `Keep what Mastodon needs, each by its name: consul kv put ${config.watch.prefix}/env/${kept[0]} VALUE.`;
  return [{ where, what, cure }, ...others];
}

/** After an apply that failed the file may be the agent's own. */
function isForeign({ spec, place }: PlacedFile, { files }: Memory): boolean {
  return place.there !== undefined && digest(place.there.content) !== files[spec.path];
}

/** Without the dot, which would hide the copy. */
function nameOf({ spec }: PlacedFile): string {
  return basename(spec.path).replace(/^\./, "");
}
