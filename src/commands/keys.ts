/** `mastodon-agent keys init|show|verify|adopt`. None of them prints a value; only `init` and `adopt` write. */
import { ExitCode } from "../base/errors.ts";
import { adopt } from "../keys/adopt.ts";
import { type KeyStorage, loadKeys, type PinStore } from "../keys/load.ts";
import { tooOpen } from "../keys/permissions.ts";
import { askPins } from "../keys/pinned.ts";
import { refusals } from "../keys/refusals.ts";
import { surveyFiles, surveyKeys } from "../keys/survey.ts";
import { adoptSaid, initSaid, type Said, showSaid, verifySaid } from "./keys-view.ts";

export interface KeysContext {
  readonly storage: KeyStorage;
  /** Undefined if there is no Consul to ask. */
  readonly pins: PinStore | undefined;
  /** One document instead of lines. */
  readonly json?: boolean;
  readonly out: (line: string) => void;
}

/** Creates the missing keys and pins them, as the first start would. @throws what `loadKeys` throws */
export async function keysInit(context: KeysContext): Promise<ExitCode> {
  const before = await surveyFiles(context.storage);
  const { fingerprints } = await loadKeys(context.storage, context.pins);
  const files = [...before].map(([{ name }, { kind }]) => ({
    name,
    fingerprint: fingerprints.get(name) ?? "",
    made: kind !== "present",
  }));
  return say(context, ExitCode.ok, initSaid(files));
}

/** One line per file: its fingerprint, mode and age, and whether it is pinned. */
export async function keysShow(context: KeysContext): Promise<ExitCode> {
  const asked = await askPins(context.pins);
  const files = await surveyFiles(context.storage);
  return say(context, ExitCode.ok, showSaid(context.storage, files, asked));
}

/**
 * Says for every file whether the agent would start with it, changing nothing. The exit code is 78 if it would not, 75
 * if keys have yet to be created, 69 if only the comparison with the pins was not possible.
 */
export async function keysVerify(context: KeysContext): Promise<ExitCode> {
  const { storage } = context;
  const asked = await askPins(context.pins);
  const survey = await surveyKeys(storage);
  const refused = refusals(survey, asked.fingerprints);
  const isMissing = [...survey.files.values()].some(({ kind }) => kind === "missing");
  const couldNotAsk = asked.cause ? ExitCode.unavailable : ExitCode.ok;
  const code = refused.length > 0 ? ExitCode.misconfigured : isMissing ? ExitCode.temporary : couldNotAsk;
  return say(
    context,
    code,
    verifySaid({ storage, files: survey.files, refused, warnings: await tooOpen(storage), asked, code }),
  );
}

/** Takes over the keys of the live `.env.production`. @throws what `adopt` throws */
export async function keysAdopt(context: KeysContext): Promise<ExitCode> {
  return say(context, ExitCode.ok, adoptSaid(await adopt(context.storage, context.pins)));
}

function say({ json = false, out }: KeysContext, code: ExitCode, { lines, document }: Said): ExitCode {
  for (const line of json ? [JSON.stringify(document, null, 2)] : lines) out(line);
  return code;
}
