import { type Complaint, Misconfigured } from "../base/errors.ts";
import { readText, type TextFile } from "./disk.ts";
import { judgeText, KEY_FILES, type Key, type KeyFile } from "./files.ts";
import { type LiveKeys, readLiveKeys } from "./live.ts";
import { mountComplaint } from "./mount.ts";
import { type KeyStorage, keyPath, startedPath } from "./storage.ts";

export type KeyFileState =
  | { readonly kind: "present"; readonly key: Key; readonly mode: number; readonly modifiedMs: number }
  /** `started`: an interrupted creation left this key, complete. */
  | { readonly kind: "missing"; readonly started: Key | undefined }
  | {
      readonly kind: "broken";
      /** Its content is not a key, or could not be read. */
      readonly because: "malformed" | "unreadable";
      readonly complaint: Complaint;
    };

/** What is on the storage, read and judged; nothing is changed. */
export interface KeySurvey {
  readonly storage: KeyStorage;
  /** About the storage and the live file, not about one key file. */
  readonly complaints: readonly Complaint[];
  readonly files: ReadonlyMap<KeyFile, KeyFileState>;
  readonly live: LiveKeys | undefined;
}

export async function surveyKeys(storage: KeyStorage): Promise<KeySurvey> {
  const mount = await mountComplaint(storage);
  const live = await caught(readLiveKeys(storage));
  return {
    storage,
    complaints: [...(mount ? [mount] : []), ...(live.kind === "refused" ? [live.complaint] : [])],
    files: await surveyFiles(storage),
    live: live.kind === "done" ? live.result : undefined,
  };
}

export async function surveyFiles(storage: KeyStorage): Promise<ReadonlyMap<KeyFile, KeyFileState>> {
  const states = new Map<KeyFile, KeyFileState>();
  for (const file of KEY_FILES) {
    const state = await caught(stateOf(storage, file));
    states.set(file, state.kind === "done" ? state.result : { ...state, kind: "broken" });
  }
  return states;
}

/**
 * The state of one file. An agent that creates a key links it to its name before it removes the started one, so if
 * neither was seen, the file is looked for once more.
 */
export async function stateOf(storage: KeyStorage, file: KeyFile): Promise<KeyFileState> {
  const present = await presentState(storage, file);
  if (present !== undefined) return present;
  const started = await readStarted(storage, file);
  if (started !== undefined) return { kind: "missing", started };
  return (await presentState(storage, file)) ?? { kind: "missing", started };
}

/** The key that an agent is or was creating. Nothing reaches this name half written. @throws Misconfigured */
export async function readStarted(storage: KeyStorage, file: KeyFile): Promise<Key | undefined> {
  const started = startedPath(storage, file.name);
  const content = await readText(started);
  return content && judged(file, content, started, "The agent did not create it: remove it.");
}

async function presentState(storage: KeyStorage, file: KeyFile): Promise<KeyFileState | undefined> {
  const where = keyPath(storage, file.name);
  const content = await readText(where);
  if (content === undefined) return undefined;
  const { mode, modifiedMs } = content;
  return { kind: "present", key: judged(file, content, where, MALFORMED_CURE), mode, modifiedMs };
}

function judged(file: KeyFile, content: TextFile, where: string, cure: string): Key {
  const verdict = judgeText(file, content.text.reveal());
  if (verdict.kind === "good") return verdict.key;
  throw new Malformed({ what: `it is not a key file: ${verdict.defect}`, where, cure });
}

class Malformed extends Misconfigured {}

type Caught<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "refused"; readonly because: "malformed" | "unreadable"; readonly complaint: Complaint };

async function caught<Result>(work: Promise<Result>): Promise<Caught<Result>> {
  try {
    return { kind: "done", result: await work };
  } catch (error) {
    if (!(error instanceof Misconfigured)) throw error;
    const because = error instanceof Malformed ? "malformed" : "unreadable";
    return { kind: "refused", because, complaint: error.complaint };
  }
}

const MALFORMED_CURE =
  "Put the right file back, from a backup or from another node of this domain. If Mastodon runs with the right values, `mastodon-agent keys adopt` takes them from its .env.production. Only if no Mastodon ever ran with it, remove it: a new one is then created.";
