/** Rendered files as they are shown: whole, or as the difference from those on disk; secrets always masked. */
import { createTwoFilesPatch } from "diff";
import { placeOf } from "../apply/place.ts";
import type { DesiredFile } from "../apply/plan.ts";
import type { Language } from "../render/language.ts";
import { parseAsRuby } from "../render/ruby-dotenv.ts";
import { isMasked, mask, maskForeign } from "./mask.ts";
import type { Paint } from "./screen/paint.ts";

type Redact = (text: string) => string;

/** What applying a file would change. */
export interface Difference {
  readonly kind: "none" | "permissions" | "new" | "content";
  /** Unified; empty if the content is the same. */
  readonly patch: string;
  /** Names of the secrets among what changes. */
  readonly secrets: readonly string[];
}

export async function differenceOf(
  { spec, content }: DesiredFile,
  language: Language,
  redact: Redact,
): Promise<Difference> {
  const { there } = await placeOf(spec);
  if (there?.content === content)
    return { kind: there.asSpecified ? "none" : "permissions", patch: "", secrets: [] };
  const before = there?.content ?? "";
  const name = there === undefined ? "/dev/null" : spec.path;
  return {
    kind: there === undefined ? "new" : "content",
    patch: createTwoFilesPatch(
      name,
      spec.path,
      maskForeign(before, content, language, redact),
      mask(content, redact),
    ).trimEnd(),
    secrets: language === "dotenv" ? changedSecrets(before, content) : [],
  };
}

export function fileLines({ spec, content }: DesiredFile, redact: Redact): readonly string[] {
  return [`# ${spec.path}`, mask(content, redact).trimEnd()];
}

export function differenceLines(
  path: string,
  { kind, patch, secrets }: Difference,
  paint: Paint,
): readonly string[] {
  if (kind === "none") return [`${path}: no difference`];
  if (kind === "permissions") return [`${path}: same content, different mode or owner`];
  return [
    ...patch.split("\n").map((line) => colourOf(line, paint)(line)),
    ...secrets.map((secret) => paint.yellow(`${path}: the secret ${secret} changes`)),
  ];
}

export function fileInJson(
  { spec, content }: DesiredFile,
  redact: Redact,
  difference: Difference | undefined,
): object {
  const { name, path, mode, owner = null, group = null } = spec;
  return { name, path, mode, owner, group, content: mask(content, redact), difference: difference ?? null };
}

/** As in any diff. */
function colourOf(line: string, paint: Paint): (text: string) => string {
  const [, colour = String] = colours(paint).find(([begin]) => line.startsWith(begin)) ?? [];
  return colour;
}

function colours(paint: Paint): readonly (readonly [string, (text: string) => string])[] {
  return [
    ["===", paint.dim],
    ["---", paint.bold],
    ["+++", paint.bold],
    ["@@", paint.cyan],
    ["-", paint.red],
    ["+", paint.green],
  ];
}

function changedSecrets(before: string, after: string): string[] {
  const [was, is] = [parseAsRuby(before), parseAsRuby(after)];
  return [...new Set([...was.keys(), ...is.keys()])].filter(
    (name) => isMasked(name) && was.get(name) !== is.get(name),
  );
}
