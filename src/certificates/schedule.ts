/** When a certificate is renewed, and when a failed order is tried again. Pure. */
import { digest } from "../base/digest.ts";
import type { Certificate } from "./certificate.ts";

/** A certificate is renewed with this much of its life left. */
const RENEW_SHARE = 1 / 3;
/** Up to this much of its life earlier, so that nodes and sites do not all come in the same minute. */
const JITTER_SHARE = 1 / 20;
/** With this much left, renewal has been failing for a while, or nobody does it. */
const EXPIRING_SHARE = 1 / 6;
const EXPIRING_AT_MOST_MS = 21 * 24 * 3_600_000;

/** @param node makes the jitter this node's own; the same after a restart */
export function renewalDueMs({ notBeforeMs, notAfterMs, fingerprint }: Certificate, node: string): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const jitter = Number.parseInt(digest(`${node} ${fingerprint}`).slice(0, 8), 16) / 2 ** 32;
  return notAfterMs - lifeMs * (RENEW_SHARE + JITTER_SHARE * jitter);
}

export function isExpiring({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): boolean {
  return notAfterMs - nowMs < Math.min((notAfterMs - notBeforeMs) * EXPIRING_SHARE, EXPIRING_AT_MOST_MS);
}

export interface Pace {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** At most five failures in an hour: what Let's Encrypt allows for one name. */
export const PACE: Pace = { firstMs: 150_000, longestMs: 6 * 3_600_000 };

/**
 * Doubles with each failure, with up to a tenth on top.
 *
 * @param askedMs what the server asked for (`Retry-After`): never earlier
 * @param random from 0 to 1
 */
export function retryDelayMs(
  failures: number,
  askedMs: number,
  random: number,
  { firstMs, longestMs }: Pace,
): number {
  const delayMs = Math.min(firstMs * 2 ** (failures - 1), longestMs);
  return Math.max(delayMs, askedMs) * (1 + random / 10);
}
