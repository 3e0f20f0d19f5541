/** `mastodon-agent keys init|show|verify|adopt`. None of them prints a value; only `init` and `adopt` write. */
import { ExitCode, sentence } from "../base/errors.ts";
import { type AdoptedFile, adopt } from "../keys/adopt.ts";
import { type KeyFileName, type KeyStorage, loadKeys, type PinStore } from "../keys/load.ts";
import { octal, tooOpen } from "../keys/permissions.ts";
import { askPins, type Pins } from "../keys/pinned.ts";
import { refusals } from "../keys/refusals.ts";
import { keyPath } from "../keys/storage.ts";
import { type KeyFileState, surveyFiles, surveyKeys } from "../keys/survey.ts";

export interface KeysContext {
  readonly storage: KeyStorage;
  /** Undefined where there is no Consul to ask. */
  readonly pins: PinStore | undefined;
  readonly out: (line: string) => void;
}

/** Makes the missing keys and pins them, as the first start would. @throws what `loadKeys` throws */
export async function keysInit({ storage, pins, out }: KeysContext): Promise<ExitCode> {
  const before = await surveyFiles(storage);
  const { fingerprints } = await loadKeys(storage, pins);
  for (const [file, { kind }] of before) {
    out(row(file.name, fingerprints.get(file.name) ?? "", kind === "present" ? "was there" : "made now"));
  }
  return ExitCode.ok;
}

/** One line a file: its fingerprint, mode and age, and whether it is pinned. */
export async function keysShow({ storage, pins, out }: KeysContext): Promise<ExitCode> {
  const asked = await askPins(pins);
  out(`${storage.directory}:`);
  const files = await surveyFiles(storage);
  for (const [{ name }, state] of files) out(row(name, ...stateColumns(state), pinWords(state, asked, name)));
  for (const line of new Set([...files.values()].flatMap(complaintIn))) out(line);
  return ExitCode.ok;
}

/**
 * Says of every file whether the agent would start with it, changing nothing. The exit code is 78 when it would not,
 * 75 when keys are still to be made, 69 when only the comparison with the pins was not possible.
 */
export async function keysVerify({ storage, pins, out }: KeysContext): Promise<ExitCode> {
  const asked = await askPins(pins);
  const survey = await surveyKeys(storage);
  const refused = refusals(survey, asked.fingerprints);
  for (const complaint of refused) out(`refused  ${sentence(complaint)}`);
  for (const complaint of await tooOpen(storage)) out(`warning  ${sentence(complaint)}`);
  for (const [{ name }, state] of survey.files) {
    const where = keyPath(storage, name);
    if (state.kind === "present")
      out(`present  ${where}: ${state.key.fingerprint}, ${pinWords(state, asked, name)}`);
    if (state.kind === "missing")
      out(`missing  ${where}: the first start or \`mastodon-agent keys init\` makes it`);
  }
  if (asked.cause) out(`unknown  ${asked.cause.message}`);
  if (refused.length > 0) return ExitCode.misconfigured;
  if ([...survey.files.values()].some(({ kind }) => kind === "missing")) return ExitCode.temporary;
  return asked.cause ? ExitCode.unavailable : ExitCode.ok;
}

/** Takes the keys of the live `.env.production` over. @throws what `adopt` throws */
export async function keysAdopt({ storage, pins, out }: KeysContext): Promise<ExitCode> {
  const { source, files, outdatedCopy } = await adopt(storage, pins);
  out(`Mastodon runs with the keys in ${source}.`);
  for (const file of files) {
    out(row(file.name, file.fingerprint, file.written ? "adopted" : "was the same", PIN_WORDS[file.pin]));
    if (file.wasCrossWired) out("  the file had the three encryption values in each other's places");
    if (file.isUnusual) out("  an unusual form, kept as Mastodon has it");
    if (file.backup) out(`  the old file is kept as ${file.backup}`);
  }
  if (outdatedCopy) out(`A copy beside the keys had other keys and is now ${outdatedCopy}.`);
  for (const line of advice(files)) out(line);
  return ExitCode.ok;
}

function complaintIn(state: KeyFileState): readonly string[] {
  return state.kind === "broken" ? [sentence(state.complaint)] : [];
}

function stateColumns(state: KeyFileState): readonly string[] {
  if (state.kind === "missing") return ["missing", "", ""];
  if (state.kind === "broken") return [state.because, "", ""];
  return [state.key.fingerprint, octal(state.mode), age(Date.now() - state.modifiedMs)];
}

function pinWords(state: KeyFileState, { fingerprints }: Pins, name: KeyFileName): string {
  if (fingerprints === undefined) return "pin not asked";
  const pin = fingerprints.get(name);
  if (pin === undefined) return "not pinned";
  return state.kind === "present" && state.key.fingerprint === pin ? "pinned" : `pinned: ${pin}`;
}

function advice(files: readonly AdoptedFile[]): readonly string[] {
  const pins = new Set(files.map(({ pin }) => pin));
  return [
    ...(pins.has("replaced") ? ["Other nodes of this domain now need these key files, too: copy them."] : []),
    ...(pins.has("not asked")
      ? ["Consul could not be asked: where it has other pins, run this again once it answers."]
      : []),
  ];
}

function row(...columns: readonly string[]): string {
  return columns
    .map((column, index) => column.padEnd(COLUMN_WIDTHS[index] ?? 0))
    .join("  ")
    .trimEnd();
}

function age(ms: number): string {
  const [unitMs, unit] = AGES.find(([atLeastMs]) => ms >= atLeastMs) ?? [1000, "s"];
  return `${Math.floor(ms / unitMs)} ${unit} old`;
}

const COLUMN_WIDTHS = [17, 16, 12, 9];
const AGES = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
] as const;
const PIN_WORDS: Readonly<Record<AdoptedFile["pin"], string>> = {
  unchanged: "pinned",
  new: "pinned now",
  replaced: "pin replaced",
  "not asked": "pin not asked",
};
