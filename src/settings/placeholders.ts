/** The placeholders in our examples and packaging for an operator's own values. None of them is ever a value. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  "(a password)",
  "(an access key ID)",
  "(a secret access key)",
  "(the key of the cluster: consul keygen makes one)",
]);

/** Why a text is refused, if it was copied from an example and never replaced. */
export function placeholderReason(text: string) {
  if (!PLACEHOLDERS.has(text.trim())) return undefined;
  return {
    what: `it is still the placeholder ${text.trim()} of the example`,
    cure: "Replace it with your own value.",
  };
}
