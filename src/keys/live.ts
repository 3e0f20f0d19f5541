/** The keys that Mastodon now runs with, according to its `.env.production`. */
import { parseAsRuby } from "../render/ruby-dotenv.ts";
import { readText } from "./disk.ts";
import type { KeyFile } from "./files.ts";
import type { KeyTexts } from "./format.ts";
import { KEY_VARIABLES } from "./names.ts";
import { backupEnvPath, type KeyStorage } from "./storage.ts";

export interface LiveKeys {
  readonly file: string;
  /** Not empty, and without empty values: `SECRET_KEY_BASE=` means nothing. */
  readonly values: KeyTexts;
}

/**
 * The keys of the live file. A rebuilt jail has none yet, and then the copy beside the key files shows what Mastodon
 * last ran with. Undefined when neither holds a pinned key. @throws Misconfigured
 */
export async function readLiveKeys(storage: KeyStorage): Promise<LiveKeys | undefined> {
  const live = storage.liveEnvFile === undefined ? undefined : await readKeysOf(storage.liveEnvFile);
  return live ?? (await readKeysOf(backupEnvPath(storage)));
}

export async function readKeysOf(envFile: string): Promise<LiveKeys | undefined> {
  const content = await readText(envFile);
  if (content === undefined) return undefined;
  const assigned = parseAsRuby(content.text.reveal());
  const values = new Map(
    KEY_VARIABLES.flatMap((variable) => {
      const value = assigned.get(variable);
      return value ? [[variable, value]] : [];
    }),
  );
  return values.size === 0 ? undefined : { file: envFile, values };
}

/** The part of the live keys that belongs to one key file; may be incomplete. */
export function liveValuesOf(file: KeyFile, live: LiveKeys): KeyTexts {
  return new Map([...live.values].filter(([variable]) => file.variables.includes(variable)));
}
