/** The result of a probe. Reasons are our own sentences: what libraries and servers write may contain a secret. */

export type RefusalCode =
  | "not_writable"
  | "wrong_credentials"
  | "no_such_database"
  | "no_such_bucket"
  | "not_ready"
  /** Requested TLS that is not supported there, or an untrusted certificate. */
  | "wrong_tls";

/** What a probe of an endpoint found. A reason completes the sentence "the endpoint ...", and never holds a secret. */
export type ProbeResult =
  | { readonly kind: "writable"; readonly lineage?: Lineage }
  /** It answers, but must not be used: a replica, a missing bucket, wrong credentials. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string; readonly cure?: string }
  /** No answer in time, or not one of its kind of server. */
  | { readonly kind: "unreachable"; readonly reason: string; readonly cure?: string };

/** Which history of writes a Redis goes on with. */
export interface Lineage {
  readonly id: string;
  /** The history that it went on from when it was promoted; undefined if it never was. */
  readonly previousId: string | undefined;
}

/** A bad result; its cure, if there is one, is a sentence for the operator. */
export type ProbeFailure = Exclude<ProbeResult, { kind: "writable" }>;

export const WRITABLE: ProbeResult = { kind: "writable" };

export function refused(code: RefusalCode, reason: string, cure?: string): ProbeFailure {
  return { kind: "refused", code, reason, ...(cure !== undefined && { cure }) };
}

export function unreachable(reason: string): ProbeFailure {
  return { kind: "unreachable", reason };
}
