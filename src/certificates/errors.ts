/** Why an ACME server refused, or why it could not be asked. */
import { stripVTControlCharacters } from "node:util";

/** Limit for text from outside, which ends up in status and log. */
const LONGEST_DETAIL = 500;

export interface AcmeTrouble {
  /** The server's own words, or those of the network. */
  readonly detail: string;
  /** The last part of `urn:ietf:params:acme:error:...`; undefined if no ACME server answered. */
  readonly type?: string | undefined;
  /** HTTP status; undefined if there was no answer. */
  readonly status?: number | undefined;
  /** How long the server tells us to back off. */
  readonly retryAfterMs?: number | undefined;
}

export class AcmeError extends Error {
  readonly trouble: AcmeTrouble;

  constructor(trouble: AcmeTrouble, options?: ErrorOptions) {
    const detail = stripVTControlCharacters(trouble.detail).replace(/\s+/g, " ").slice(0, LONGEST_DETAIL);
    super(trouble.type === undefined ? detail : `${detail} (${trouble.type})`, options);
    this.name = "AcmeError";
    this.trouble = trouble;
  }
}

/** The order will never become a certificate: a new one has to be made. */
export class OrderEnded extends AcmeError {}
