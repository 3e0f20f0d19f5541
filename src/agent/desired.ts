import type { FileSpec } from "../apply/config.ts";
import { type Desired, NO_PROCESS_VARIABLES, type UnitDigests } from "../apply/plan.ts";
import { digest } from "../base/digest.ts";
import { reveal, type Secret } from "../base/secret.ts";
import type { TemplatedFile } from "../options/templates.ts";
import { verifyEnvFile, verifyOwnEnvFile } from "../render/dotenv.ts";
import type { RenderInput } from "../render/tree.ts";
import type { OwnVariables } from "../settings/own-variables.ts";
import { READERS, type Reader } from "../settings/variable.ts";
import { isInEnvFile, readersOf, VARIABLES } from "../settings/variables.ts";
import type { ReloadTokens } from "../sources/kv.ts";

type Variables = ReadonlyMap<string, string | Secret>;

export interface DesiredInput {
  readonly files: readonly TemplatedFile[];
  readonly units: readonly string[];
  readonly input: RenderInput;
  readonly variables: Variables;
  /** Those that only this Mastodon knows. */
  readonly own: OwnVariables;
  /** Those that may be put into a unit's process environment. */
  readonly exported: Variables;
  /** Every unit is reloaded once when this changes. */
  readonly reload: ReloadTokens;
}

/**
 * Renders every file and says what each unit should be running with. Pure.
 *
 * @throws Refused for a value that a file cannot hold, Misconfigured for a template with an unknown name
 */
export function desire({ files, units, input, variables, own, exported, reload }: DesiredInput): Desired {
  const rendered = files.map(({ spec, template }) => ({
    spec,
    content: template.render(input),
    readBy:
      spec.units ?? (template.language === "dotenv" ? READERS.filter((name) => units.includes(name)) : []),
  }));
  const lines = new Map([...revealed(variables)].filter(([name]) => isInEnvFile(name)));
  for (const [at, { content }] of rendered.entries()) {
    const file = files[at];
    if (file?.template.language === "dotenv")
      (file.isBuiltIn ? verifyEnvFile : verifyOwnEnvFile)(content, lines);
  }
  const perUnit = units.map((unit): [string, UnitDigests] => [
    unit,
    {
      reload: digest(
        JSON.stringify([
          [reload.shared, reload.node],
          read(variables, unit, (name) => own.get(name)?.readers ?? readersOf(name)),
          filesOf(rendered, unit),
        ]),
      ),
      restart: processDigest(read(exported, unit, processReadersOf)),
    },
  ]);
  return {
    digest: digest(JSON.stringify([rendered.map(({ spec, content }) => [spec.path, content]), perUnit])),
    files: rendered,
    units: new Map(perUnit),
  };
}

function processDigest(variables: readonly (readonly [string, string])[]): string {
  return variables.length === 0 ? NO_PROCESS_VARIABLES : digest(JSON.stringify(variables));
}

/** The built-in template of `.env.production`. */
export const ENV_TEMPLATE = "env.production.hbs";

function revealed(variables: Variables): ReadonlyMap<string, string> {
  return new Map([...variables].map(([name, value]) => [name, reveal(value)]));
}

/** The variables that one unit reads, with their values. */
function read(
  variables: Variables,
  unit: string,
  readers: (name: string) => readonly Reader[],
): [string, string][] {
  return [...revealed(variables)].filter(([name]) => readers(name).some((reader) => reader === unit));
}

function processReadersOf(name: string): readonly Reader[] {
  return VARIABLES.get(name)?.processReaders ?? [];
}

function filesOf(rendered: readonly { spec: FileSpec; content: string }[], unit: string): string[] {
  return rendered.filter(({ spec }) => spec.units?.includes(unit)).map(({ content }) => content);
}
