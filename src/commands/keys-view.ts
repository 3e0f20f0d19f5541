/** What the `keys` commands print: lines for people, a document for scripts. Fingerprints and modes, never a value. */
import { type Complaint, type ExitCode, sentence } from "../base/errors.ts";
import type { AdoptedFile, Adoption } from "../keys/adopt.ts";
import type { KeyFile } from "../keys/files.ts";
import type { KeyFileName, KeyStorage } from "../keys/load.ts";
import { octal } from "../keys/permissions.ts";
import type { Pins } from "../keys/pinned.ts";
import { keyPath } from "../keys/storage.ts";
import type { KeyFileState } from "../keys/survey.ts";

export interface Said {
  readonly lines: readonly string[];
  readonly document: object;
}

type Files = ReadonlyMap<KeyFile, KeyFileState>;

export function initSaid(
  files: readonly { readonly name: KeyFileName; readonly fingerprint: string; readonly made: boolean }[],
): Said {
  return {
    lines: files.map(({ name, fingerprint, made }) => row(name, fingerprint, made ? "created" : "existing")),
    document: { files },
  };
}

export function showSaid(storage: KeyStorage, files: Files, asked: Pins): Said {
  const complaints = [...files.values()].flatMap(complaintsIn).map(sentence);
  return {
    lines: [
      `${storage.directory}:`,
      ...[...files].map(([{ name }, state]) =>
        row(name, ...stateColumns(state), pinWords(state, asked, name)),
      ),
      ...new Set(complaints),
    ],
    document: { directory: storage.directory, files: filesInJson(files, asked) },
  };
}

export interface Verified {
  readonly storage: KeyStorage;
  readonly files: Files;
  readonly refused: readonly Complaint[];
  readonly warnings: readonly Complaint[];
  readonly asked: Pins;
  readonly code: ExitCode;
}

export function verifySaid({ storage, files, refused, warnings, asked, code }: Verified): Said {
  const unknown = asked.cause?.message;
  return {
    lines: [
      ...refused.map((complaint) => `refused  ${sentence(complaint)}`),
      ...warnings.map((complaint) => `warning  ${sentence(complaint)}`),
      ...[...files].flatMap(([{ name }, state]) =>
        verifiedLine(keyPath(storage, name), state, pinWords(state, asked, name)),
      ),
      ...(unknown === undefined ? [] : [`unknown  ${unknown}`]),
    ],
    document: {
      exit_code: code,
      refused,
      warnings,
      unknown: unknown ?? null,
      directory: storage.directory,
      files: filesInJson(files, asked),
    },
  };
}

export function adoptSaid({ source, files, outdatedCopy }: Adoption): Said {
  return {
    lines: [
      `Mastodon runs with the keys in ${source}.`,
      ...files.flatMap(adoptedLines),
      ...(outdatedCopy ? [`A copy beside the keys had other keys and is now ${outdatedCopy}.`] : []),
      ...advice(files),
    ],
    document: {
      source,
      files: files.map(({ name, fingerprint, written, backup, wasCrossWired, isUnusual, pin }) => ({
        name,
        fingerprint,
        written,
        backup: backup ?? null,
        was_cross_wired: wasCrossWired,
        unusual: isUnusual,
        pin,
      })),
      outdated_copy: outdatedCopy ?? null,
    },
  };
}

function verifiedLine(where: string, state: KeyFileState, pin: string): readonly string[] {
  if (state.kind === "present") return [`present  ${where}: ${state.key.fingerprint}, ${pin}`];
  // Broken ones are among the refusals.
  if (state.kind === "broken") return [];
  return [`missing  ${where}: the first start or \`mastodon-agent keys init\` creates it`];
}

function adoptedLines({
  name,
  fingerprint,
  written,
  wasCrossWired,
  isUnusual,
  backup,
  pin,
}: AdoptedFile): readonly string[] {
  return [
    row(name, fingerprint, written ? "adopted" : "unchanged", PIN_WORDS[pin]),
    ...(wasCrossWired ? ["  the file had the three encryption values in each other's places"] : []),
    ...(isUnusual ? ["  of an unusual form, kept as Mastodon has it"] : []),
    ...(backup ? [`  the old file is kept as ${backup}`] : []),
  ];
}

function filesInJson(files: Files, asked: Pins): readonly object[] {
  return [...files].map(([{ name }, state]) => {
    const present = state.kind === "present" ? state : undefined;
    return {
      name,
      state: state.kind === "broken" ? state.because : state.kind,
      fingerprint: present?.key.fingerprint ?? null,
      mode: present ? octal(present.mode) : null,
      modified_at: present ? new Date(present.modifiedMs).toISOString() : null,
      /** Null if nothing is pinned, or Consul could not be asked. */
      pinned: asked.fingerprints?.get(name) ?? null,
      pins_asked: asked.fingerprints !== undefined,
      problem: complaintsIn(state).map(sentence)[0] ?? null,
    };
  });
}

function complaintsIn(state: KeyFileState): readonly Complaint[] {
  return state.kind === "broken" ? [state.complaint] : [];
}

function stateColumns(state: KeyFileState): readonly string[] {
  if (state.kind === "missing") return ["missing", "", ""];
  if (state.kind === "broken") return [state.because, "", ""];
  return [state.key.fingerprint, octal(state.mode), age(Date.now() - state.modifiedMs)];
}

function pinWords(state: KeyFileState, { fingerprints }: Pins, name: KeyFileName): string {
  if (fingerprints === undefined) return "pin not checked";
  const pin = fingerprints.get(name);
  if (pin === undefined) return "not pinned";
  return state.kind === "present" && state.key.fingerprint === pin ? "pinned" : `pinned: ${pin}`;
}

function advice(files: readonly AdoptedFile[]): readonly string[] {
  const pins = new Set(files.map(({ pin }) => pin));
  return [
    ...(pins.has("replaced")
      ? ["The other nodes of this domain now need these key files too: copy them."]
      : []),
    ...(pins.has("not asked")
      ? ["Consul could not be asked: if it has other pins, run this again once it answers."]
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
  "not asked": "pin not checked",
};
