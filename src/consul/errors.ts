/** How a call to Consul failed, by what it means for the caller. */
export type ConsulErrorKind =
  /** 403: the token lacks a permission; that may change. */
  | "denied"
  /** No answer: refused, reset, timed out. */
  | "unreachable"
  /** 429 or 5xx: it answers, but cannot help now. */
  | "overloaded"
  /** 400 and anything that does not parse: asking again will not help. */
  | "bug";

/** Never carries the token, nor a value. */
export class ConsulError extends Error {
  readonly kind: ConsulErrorKind;
  readonly status: number | undefined;

  constructor(kind: ConsulErrorKind, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.name = "ConsulError";
    this.kind = kind;
    this.status = options.status;
  }
}

/** Classifies an HTTP status. */
export function kindOfStatus(status: number): ConsulErrorKind {
  if (status === 403) return "denied";
  return status === 429 || status >= 500 ? "overloaded" : "bug";
}
