/** What can be seen without asking anything else: templates, places and storage. */
import path from "node:path";
import { keyStorageOf } from "../../agent/key-storage.ts";
import { refusePlaces, refuseTemplates } from "../../agent/refuse-early.ts";
import { Misconfigured } from "../../base/errors.ts";
import { tooOpen } from "../../keys/permissions.ts";
import { surveyFiles } from "../../keys/survey.ts";
import type { Options } from "../../options.ts";
import type { Inspection, Warning } from "./inspection.ts";
import { storage } from "./storage.ts";

export function localInspections(options: Options): readonly Inspection[] {
  const { liveEnvFile } = keyStorageOf(options);
  const { mastodon, state } = options.config.paths;
  return [
    ["templates", () => done(refuseTemplates(options), "every name in them is known")],
    ["permissions", () => done(refusePlaces(options), "every file can be written with its owner and mode")],
    ["mastodon storage", () => storage(liveEnvFile === undefined ? mastodon : path.dirname(liveEnvFile))],
    ["state storage", () => storage(state)],
    ["keys storage", () => keysStorage(options)],
  ];
}

async function done(inspection: void | Promise<void>, text: string): Promise<string> {
  await inspection;
  return text;
}

/** Where all keys are there nothing is written any more, until an operator has other keys adopted. */
async function keysStorage(options: Options): Promise<string | Warning> {
  const keys = keyStorageOf(options);
  const found = await storage(keys.directory).catch(async (error: unknown) => {
    const states = [...(await surveyFiles(keys)).values()];
    if (!(error instanceof Misconfigured) || states.some(({ kind }) => kind !== "present")) throw error;
    const { complaint } = error;
    const what = `${complaint.what}; all keys are there, so nothing has to be written now`;
    return { warning: { ...complaint, what } };
  });
  const [warning] = await tooOpen(keys);
  return warning === undefined ? found : { warning };
}
