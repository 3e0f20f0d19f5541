/** What can be seen without asking anything else: templates, places, keys and their storage. */
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { keyStorageOf } from "../../agent/key-storage.ts";
import { refuseKeys, refusePlaces, refuseTemplates } from "../../agent/refuse-early.ts";
import { codeOf, Misconfigured } from "../../base/errors.ts";
import { octal, tooOpen } from "../../keys/permissions.ts";
import type { Options } from "../../options.ts";
import type { Inspection, Warning } from "./inspection.ts";

/** The state and its journal take a few MiB at most; with less than this there is soon no room for a change. */
const SCARCE_BYTES = 64 * 1024 * 1024;
/** Not even one change could be remembered for certain. */
const FULL_BYTES = 1024 * 1024;

export function localInspections(options: Options): readonly Inspection[] {
  const { state, keys } = options.config.paths;
  return [
    ["templates", () => done(refuseTemplates(options), "every name in them is known")],
    ["permissions", () => done(refusePlaces(options), "every file can be written with its owner and mode")],
    ["keys", () => done(refuseKeys(options), keys)],
    ["state storage", () => storage(state)],
    ["keys storage", () => keysStorage(options)],
  ];
}

async function done(inspection: void | Promise<void>, text: string): Promise<string> {
  await inspection;
  return text;
}

async function keysStorage(options: Options): Promise<string | Warning> {
  const found = await storage(options.config.paths.keys);
  const [warning] = await tooOpen(keyStorageOf(options));
  return warning === undefined ? found : { warning };
}

/** @throws Misconfigured if the agent could not write */
async function storage(directory: string): Promise<string | Warning> {
  const existing = await nearestExisting(directory);
  await refuseUnwritable(existing);
  const { bavail, bsize } = await statfs(existing);
  const freeBytes = bavail * bsize;
  const free = `${Math.floor(freeBytes / 1024 / 1024)} MiB free`;
  const cure = `Make room on the file system of ${existing}.`;
  if (freeBytes < FULL_BYTES)
    throw new Misconfigured({ where: directory, what: `it is full: ${free}`, cure });
  if (freeBytes < SCARCE_BYTES) return { warning: { where: directory, what: `only ${free}`, cure } };
  if (existing !== directory) return `${directory} is made at the first start, ${free}`;
  const { mode, uid } = await stat(directory);
  const me = process.geteuid?.();
  if (me !== 0 && uid !== me) {
    const what = `it belongs to user id ${uid}, and this is user id ${me}`;
    return {
      warning: {
        where: directory,
        what,
        cure: "Run the agent as its owner, or give it to the agent's user.",
      },
    };
  }
  return `${directory}, mode ${octal(mode & 0o777)}, user id ${uid}, ${free}`;
}

async function refuseUnwritable(directory: string): Promise<void> {
  const code = await access(directory, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  if (code === undefined) return;
  throw new Misconfigured({
    where: directory,
    what: `user id ${process.geteuid?.()} may not write there (${code})`,
    cure: "Give it to the agent's user, or run the agent as its owner; a file system that is mounted read-only has to be mounted again.",
  });
}

async function nearestExisting(directory: string): Promise<string> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere || path.dirname(directory) === directory
    ? directory
    : nearestExisting(path.dirname(directory));
}
