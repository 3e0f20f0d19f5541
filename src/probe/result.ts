/** What a probe says. Reasons are our own sentences: what libraries and servers write may hold a secret. */

export type RefusalCode =
  | "not_writable"
  | "wrong_credentials"
  | "no_such_database"
  | "no_such_bucket"
  | "not_ready"
  /** TLS that is asked for and not spoken there, or a certificate that is not trusted. */
  | "wrong_tls";

/**
 * What a look at an endpoint found. A reason completes the sentence "the endpoint ...", and never holds a secret.
 */
export type ProbeResult =
  | { readonly kind: "writable" }
  /** It answers, but must not be used: a replica, a missing bucket, wrong credentials. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string; readonly cure?: string }
  /** No answer in time, or none that its kind of server gives. */
  | { readonly kind: "unreachable"; readonly reason: string; readonly cure?: string };

/** A result that is not good; its cure, where there is one, is a sentence for the operator. */
export type ProbeFailure = Exclude<ProbeResult, { kind: "writable" }>;

export const WRITABLE: ProbeResult = { kind: "writable" };

export function refused(code: RefusalCode, reason: string): ProbeFailure {
  return { kind: "refused", code, reason };
}

export function unreachable(reason: string): ProbeFailure {
  return { kind: "unreachable", reason };
}
