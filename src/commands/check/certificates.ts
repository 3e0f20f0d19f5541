import { surveyCertificates } from "../../agent/certifier.ts";
import { ExitCode } from "../../base/errors.ts";
import type { CertificateState } from "../../certificates/keeper.ts";
import { createConsulClient } from "../../consul/create-client.ts";
import type { Options } from "../../options.ts";
import { silentLog } from "../../report/log.ts";
import type { Look } from "../look.ts";
import { failureOf, type Inspection, type Told } from "./inspection.ts";

/** A line for each domain that nginx serves. */
export async function certificateInspections(
  options: Options,
  { evaluation, memory }: Look,
): Promise<readonly Inspection[]> {
  const client = createConsulClient(options.connection);
  const context = { options, client, log: silentLog(), inUse: () => memory.certificates };
  const states = await surveyCertificates(context, evaluation.merged);
  return states.map((state) => [`certificate ${state.domain}`, () => standing(state)]);
}

function standing({ found, nextAttemptMs, problems }: CertificateState): string | Told {
  if (problems.length > 0) return failureOf(problems, ExitCode.unavailable);
  if (found.kind === "good") {
    const { issuer, folder, notAfterMs } = found.certificate;
    return `by ${issuer}, in ${folder}, until ${new Date(notAfterMs).toISOString()}`;
  }
  return nextAttemptMs === undefined
    ? "there is none, and none is ordered: the site is served over plain http"
    : "there is none yet: the agent orders one";
}
