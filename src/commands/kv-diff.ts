import { ExitCode } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { kvRows, type Relation, type Row } from "./kv-rows.ts";
import { look, standIns } from "./look.ts";
import { during } from "./screen/during.ts";
import { columns, shortened } from "./screen/layout.ts";
import { type Paint, paintFor } from "./screen/paint.ts";

/** The widest column on a terminal. */
const WIDEST = 40;

/** Compares KV with the environment and with what was last applied. Secrets are compared, never shown. */
export async function diffKv(
  { json, ...flags }: CommonFlags & { json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const seen = await during("Asking Consul", io, () => look(options));
  for (const line of standIns(seen)) io.err(line);
  const { evaluation, memory } = seen;
  if (memory.applied === undefined)
    io.err(`No agent has applied anything yet with the state directory ${options.config.paths.state}.`);
  const { kv, merged } = evaluation;
  const { environment, node, own, config } = options;
  const rows = kvRows({ kv, merged, memory, environment, node, own, prefix: config.watch.prefix });
  if (json) io.out(JSON.stringify(rows.map(asJson), null, 2));
  else
    for (const line of table(rows, {
      paint: paintFor(io),
      width: io.isTerminal ? io.size().columns : undefined,
    }))
      io.out(line);
  return ExitCode.ok;
}

function asJson(row: Row): object {
  const { name, isSecret, kv, environment, inForce, relation, catalogue, isApplied, refusals } = row;
  return {
    name,
    secret: isSecret,
    kv: kv === undefined ? null : { value: String(kv.value), key: kv.where, index: kv.index ?? null },
    environment:
      environment === undefined ? null : { value: String(environment.value), where: environment.where },
    in_force:
      inForce === undefined
        ? null
        : {
            value: inForce.value === undefined ? null : String(inForce.value),
            same_as_kv: isEqual(kv?.value, inForce.value),
            same_as_environment: isEqual(environment?.value, inForce.value),
          },
    verdict: relation,
    catalogue,
    applied: isApplied,
    refusals,
  };
}

const HEADER = ["NAME", "IN KV", "IN ENVIRONMENT", "IN FORCE", "SO"];

interface Sight {
  readonly paint: Paint;
  readonly width: number | undefined;
}

function table(rows: readonly Row[], sight: Sight): readonly string[] {
  return columns([HEADER.map(sight.paint.bold), ...rows.map((row) => cells(row, sight))], sight.width);
}

function cells(row: Row, { paint, width }: Sight): readonly string[] {
  const { name, kv, environment, inForce, refusals } = row;
  const first = kv ?? environment ?? inForce;
  const shown = (place: Place) => shortened(cell(place, first), WIDEST, width);
  return [
    name,
    kv === undefined && refusals.length > 0 ? "(refused)" : shown(kv),
    shown(environment),
    shown(inForce),
    colourOf(row, paint)(verdict(row)),
  ];
}

/** What needs action stands out. */
function colourOf({ relation, catalogue, isApplied }: Row, paint: Paint): (text: string) => string {
  if (relation === "refused") return paint.red;
  return catalogue === "hidden" || !isApplied ? paint.yellow : String;
}

type Value = string | Secret | undefined;
type Place = { readonly value: Value } | undefined;

/** For a secret the first place says that it is set, the others whether theirs is the same. */
function cell(place: Place, first: Place): string {
  if (place === undefined) return "-";
  const { value } = place;
  if (first?.value instanceof Secret && place !== first)
    return isEqual(value, first.value) ? "equal" : "different";
  return value === undefined ? "another value" : String(value);
}

function isEqual(one: Value, other: Value): boolean {
  return one !== undefined && other !== undefined && reveal(one) === reveal(other);
}

function verdict({ relation, catalogue, refusals, isApplied }: Row): string {
  const reasons = refusals.map(({ where, what, cure }) => `${where}: ${what}. ${cure}`);
  const parts = [
    relation === "refused" ? `refused: ${reasons.join(" ")}` : MEANINGS[relation],
    ...(catalogue === "hidden" ? ["KV overrides the catalogue: no failover is followed"] : []),
    ...(catalogue === "decides" ? ["the catalogue takes precedence"] : []),
    ...(isApplied ? [] : ["not yet applied"]),
  ];
  return parts.join("; ");
}

const MEANINGS: Readonly<Record<Exclude<Relation, "refused">, string>> = {
  "kv hides environment": "KV overrides the environment",
  same: "the same in both: it can be removed from the environment",
  "only in kv": "only in KV",
  "only in environment": "only in the environment",
  "must stay in environment": "must stay in the environment: needed to reach Consul",
  gone: "deleted from KV",
};
