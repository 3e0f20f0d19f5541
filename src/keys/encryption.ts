import { randomInt } from "node:crypto";
import { blankDefect, type KeyFormat, pickAssignments, printAssignments } from "./format.ts";

const VARIABLES = [
  "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY",
  "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT",
  "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
] as const;
const ALPHANUMERICS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The three values of `bin/rails db:encryption:init`, 32 alphanumerics each; it prints a line of prose before them. */
export const encryptionValues: KeyFormat = {
  variables: VARIABLES,
  pick: (text) => pickAssignments(VARIABLES, text),
  defect: (values) => blankDefect(VARIABLES, values),
  oddity: (values) => {
    const wrong = VARIABLES.find((variable) => !/^[A-Za-z0-9]{32}$/.test(values.get(variable) ?? ""));
    return wrong === undefined ? undefined : `expected 32 letters and digits for ${wrong}`;
  },
  print: (values) => printAssignments(VARIABLES, values),
  generate: () => new Map(VARIABLES.map((variable) => [variable, randomAlphanumerics(32)])),
  canonical: (_, value) => value,
};

function randomAlphanumerics(length: number): string {
  const characters = Array.from({ length }, () => ALPHANUMERICS.charAt(randomInt(ALPHANUMERICS.length)));
  return characters.join("");
}
