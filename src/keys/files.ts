import { digest } from "../base/digest.ts";
import { Secret } from "../base/secret.ts";
import { isAdopted, pickAdopted, printAdopted, uncarried } from "./adopted.ts";
import { encryptionValues } from "./encryption.ts";
import type { KeyFormat, KeyTexts } from "./format.ts";
import { hexSecret } from "./hex.ts";
import type { KeyFileName, KeyVariable } from "./names.ts";
import { vapidPair } from "./vapid.ts";

export interface KeyFile extends KeyFormat {
  readonly name: KeyFileName;
}

/** The table of the key files. */
export const KEY_FILES: readonly KeyFile[] = [
  { name: "secret.key", ...hexSecret("SECRET_KEY_BASE") },
  { name: "otp.key", ...hexSecret("OTP_SECRET") },
  { name: "vapid.keys", ...vapidPair },
  { name: "activerecord.keys", ...encryptionValues },
];

/** The content of a key file that was judged good. */
export interface Key {
  readonly values: ReadonlyMap<KeyVariable, Secret>;
  /** 16 hexadecimal characters; equal for every spelling of the same key, and safe to show. */
  readonly fingerprint: string;
}

export type Judged =
  | { readonly kind: "good"; readonly key: Key }
  | { readonly kind: "malformed"; readonly defect: string };

/** Judges the text of a key file. A value of an unusual form must have been adopted. */
export function judgeText(file: KeyFile, text: string): Judged {
  if (text.trim() === "") return { kind: "malformed", defect: "it is empty" };
  if (isAdopted(text)) return judgeLiveValues(file, pickAdopted(file.variables, text));
  const values = file.pick(text);
  return judged(file, values, defectIn(file, values) ?? file.oddity(values));
}

/** Judges values that a Mastodon runs with: right by definition, if Mastodon can run with them and they can be written. */
export function judgeLiveValues(file: KeyFile, values: KeyTexts): Judged {
  const lost = uncarried(file.variables, values);
  const unsafe = lost && `.env.production cannot carry the value of ${lost} safely`;
  return judged(file, values, defectIn(file, values) ?? unsafe);
}

function defectIn(file: KeyFile, values: KeyTexts): string | undefined {
  const absent = file.variables.find((variable) => !values.get(variable));
  return absent ? `it has no single value for ${absent}` : file.defect(values);
}

function judged(file: KeyFile, values: KeyTexts, defect: string | undefined): Judged {
  return defect === undefined ? { kind: "good", key: keyOf(file, values) } : { kind: "malformed", defect };
}

/** A new key and the text of its file. */
export function generateKey(file: KeyFile): { readonly key: Key; readonly text: Secret } {
  const values = file.generate();
  return { key: keyOf(file, values), text: new Secret(file.print(values)) };
}

/** The text of a new key file with these values. */
export function printKey(file: KeyFile, key: Key): Secret {
  const print = isUnusual(file, key) ? (texts: KeyTexts) => printAdopted(file.variables, texts) : file.print;
  return new Secret(print(textsOf(key)));
}

/** Whether it is of a form that the agent would not create. */
export function isUnusual(file: KeyFile, key: Key): boolean {
  return file.oddity(textsOf(key)) !== undefined;
}

function textsOf({ values }: Key): KeyTexts {
  return new Map([...values].map(([variable, value]) => [variable, value.reveal()]));
}

function keyOf(file: KeyFile, values: KeyTexts): Key {
  return {
    values: new Map(file.variables.map((variable) => [variable, new Secret(values.get(variable) ?? "")])),
    fingerprint: fingerprint(file, values),
  };
}

/** The label gives equal values in different files different fingerprints. */
function fingerprint(file: KeyFile, values: KeyTexts): string {
  const lines = file.variables.map(
    (variable) => `${variable}=${file.canonical(variable, values.get(variable) ?? "")}`,
  );
  return digest(["mastodon-agent key 1", file.name, ...lines].join("\n")).slice(0, 16);
}
