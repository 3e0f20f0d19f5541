/** What an operator has to know about a domain's certificate. */
import type { ProblemCode } from "../report/problem-codes.ts";
import { type Complaining, problemOf } from "../report/problems.ts";
import type { Found } from "./certificate.ts";
import { isExpiring } from "./schedule.ts";

export interface Standing {
  readonly domain: string;
  readonly found: Found;
  readonly isOurs: boolean;
  /** Why the last order failed; undefined if it succeeded, or nothing was ordered. */
  readonly failure: string | undefined;
  /** The folder of the certificate that nginx runs with. */
  readonly inUse: string | undefined;
  readonly nowMs: number;
}

export function problemsOf(standing: Standing): readonly Complaining[] {
  return [
    ...orderProblem(standing),
    ...expiryProblem(standing),
    ...uselessProblem(standing),
    ...goneProblem(standing),
  ];
}

function orderProblem({ domain, found, failure }: Standing): readonly Complaining[] {
  if (failure === undefined) return [];
  const code = found.kind === "good" ? "certificate_not_renewed" : "certificate_not_issued";
  return [problem(code, domain, failure, SEE_DOCS)];
}

function expiryProblem({ domain, found, isOurs, nowMs }: Standing): readonly Complaining[] {
  const certificate = found.kind === "none" ? undefined : found.certificate;
  if (certificate === undefined || !isExpiring(certificate, nowMs)) return [];
  const { notAfterMs, folder } = certificate;
  const day = new Date(notAfterMs).toISOString();
  const cure = isOurs ? RENEW_OURS : `Renew it in ${folder} and reload nginx. ${OR_LEAVE_IT}`;
  return notAfterMs <= nowMs
    ? [problem("certificate_expired", domain, `its certificate has expired on ${day}`, cure)]
    : [problem("certificate_expiring", domain, `its certificate expires on ${day}`, cure)];
}

function uselessProblem({ domain, found }: Standing): readonly Complaining[] {
  if (found.kind !== "bad") return [];
  const what = `the certificate in ${found.folder} cannot serve it: ${found.reason}`;
  return [problem("certificate_useless", domain, what, `Put the right files there. ${OR_LEAVE_IT}`)];
}

/** nginx has read it, but could not read it again. */
function goneProblem({ domain, found, inUse }: Standing): readonly Complaining[] {
  if (found.kind !== "none" || inUse === undefined) return [];
  const what = `the certificate that nginx runs with has vanished from ${inUse}, and there is no other`;
  return [problem("certificate_gone", domain, what, PUT_BACK)];
}

function problem(code: ProblemCode, where: string, what: string, cure: string): Complaining {
  return problemOf(code, { where, what, cure });
}

const SEE_DOCS = "The agent retries by itself; docs/certificates.md says what helps.";
const RENEW_OURS = "It should have been renewed long ago: see the problem certificate_not_renewed.";
const PUT_BACK =
  "Put it back, or let the agent order one (certificates.directory). Until then every change to nginx.conf is refused, and after a restart the site is served over plain http.";
const OR_LEAVE_IT = "Or move that folder away, and let the agent order one (certificates.directory).";
