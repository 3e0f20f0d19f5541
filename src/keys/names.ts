/**
 * The names of the pinned keys: four files on persistent storage feed seven variables of `.env.production`. In the
 * order in which files are created and variables rendered.
 */
export type KeyFileName = "secret.key" | "otp.key" | "vapid.keys" | "activerecord.keys";

export const KEY_VARIABLES = [
  "SECRET_KEY_BASE",
  "OTP_SECRET",
  "VAPID_PRIVATE_KEY",
  "VAPID_PUBLIC_KEY",
  "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY",
  "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT",
  "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
] as const;

export type KeyVariable = (typeof KEY_VARIABLES)[number];
