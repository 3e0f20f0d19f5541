import { readFileSync } from "node:fs";
import path from "node:path";
import type { FileSpec } from "../apply/config.ts";
import { codeOf, Misconfigured, messageOf } from "../base/errors.ts";
import { type Language, languageOf } from "../render/language.ts";
import { compileTemplate, type Template } from "../render/template.ts";

/** One file of the configuration with its parsed template. */
export interface TemplatedFile {
  readonly spec: FileSpec;
  readonly template: Template;
  /** Whether the template is one of the agent's own. */
  readonly isBuiltIn: boolean;
}

export interface TemplatePlaces {
  /** Where the configuration file is: a relative template is looked for beside it first. */
  readonly own: string;
  /** The agent's own templates. */
  readonly builtIn: string;
}

/** Reads and parses the template of a file. @throws Misconfigured if it does not exist or is not a template */
export function loadTemplate(
  spec: FileSpec & { readonly language?: Language },
  places: TemplatePlaces,
): TemplatedFile {
  const language = spec.language ?? languageOf(spec.template, spec.path);
  const own = path.resolve(places.own, spec.template);
  // A path means exactly that file, and no other file of the same name.
  const isName = path.basename(spec.template) === spec.template;
  const tried = isName ? [own, path.join(places.builtIn, spec.template)] : [own];
  for (const [position, candidate] of tried.entries()) {
    const text = readIfThere(candidate);
    if (text !== undefined)
      return { spec, isBuiltIn: position > 0, template: compileTemplate(spec.template, text, language) };
  }
  throw new Misconfigured({
    where: `files.${spec.name}.template: ${spec.template}`,
    what: `there is no such template (looked for ${tried.join(" and ")})`,
    cure: "Give the absolute path of an existing one, or put it beside the configuration file.",
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new Misconfigured(
      { where: file, what: messageOf(error), cure: "Let the agent's user read it." },
      { cause: error },
    );
  }
}
