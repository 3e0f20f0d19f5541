/** Whether a unit's own environment overrides lines of the file: dotenv does not replace what is already there. */
import { pidfileOf, unitProcess } from "../../apply/pidfile.ts";
import { environmentOf } from "../../apply/process-environment.ts";
import { Misconfigured } from "../../base/errors.ts";
import { reveal, type Secret } from "../../base/secret.ts";
import type { Options } from "../../options.ts";
import { READERS, type Reader } from "../../settings/variable.ts";
import { VARIABLES } from "../../settings/variables.ts";
import type { Look } from "../look.ts";
import type { Inspection, Warning } from "./inspection.ts";

export function environmentInspections({ units }: Options, seen: Look): readonly Inspection[] {
  return READERS.flatMap((reader): readonly Inspection[] => {
    const unit = units.find(({ name }) => name === reader);
    const pidfile = unit && pidfileOf(unit);
    return pidfile === undefined
      ? []
      : [[`environment of ${reader}`, () => nothingHidden(reader, pidfile, seen)]];
  });
}

/** Names only, never values. @throws Misconfigured if a line of the file has no effect */
async function nothingHidden(unit: Reader, pidfile: string, seen: Look): Promise<string | Warning> {
  const found = await unitProcess(pidfile);
  if (found.kind === "absent") return "it is not running";
  const environment = await environmentOf(found.process.pid);
  const where = `unit ${unit}`;
  if (environment === undefined) {
    const what = `the environment of its process ${found.process.pid} may not be read`;
    return { warning: { where, what, cure: "Run this check as root or as the unit's user." } };
  }
  const hiding = [...environment.keys()].filter((name) => hides(name, unit, seen));
  if (hiding.length === 0) return "it overrides nothing in the file";
  const what = `its process environment has ${hiding.join(", ")}, which overrides the file`;
  const cure =
    "Remove it from rc.conf, the service file or wherever the unit is started from, and restart the unit.";
  if (hiding.every((name) => isSame(environment.get(name), seen.evaluation.variables?.get(name)))) {
    return {
      warning: {
        where,
        what: `${what}: the values are the same now, but the next change will have no effect`,
        cure,
      },
    };
  }
  throw new Misconfigured({ where, what, cure });
}

/** What the unit reads only from its process environment is there for a good reason. */
function hides(name: string, unit: Reader, { evaluation }: Look): boolean {
  const spec = VARIABLES.get(name);
  if (spec === undefined || !spec.readers.includes(unit) || spec.processReaders.includes(unit)) return false;
  if (spec.origin.kind === "barred") return spec.origin.overrides;
  // REDIS_URL overrides Redis's other lines even if none is rendered.
  if (spec.origin.kind === "derived") return true;
  return evaluation.variables === undefined || evaluation.variables.has(name);
}

function isSame(one: Secret | undefined, other: string | Secret | undefined): boolean {
  return one !== undefined && other !== undefined && one.reveal() === reveal(other);
}
