/** What tools add to a value without being asked; each completes "the value ...". */
const STRAYS: readonly { readonly found: RegExp; readonly what: string }[] = [
  { found: /^\uFEFF/, what: "begins with a byte order mark, as some editors write to a file" },
  {
    found: /[\r\n]$/,
    what: "ends with a line break, as `echo` writes it and `consul kv put KEY @file` keeps it",
  },
  { found: /^\s/, what: "begins with a blank" },
  { found: /\s$/, what: "ends with a blank" },
];

/** Often the reason why a value is refused, and hard to see. */
export function strayIn(text: string): string | undefined {
  return STRAYS.find(({ found }) => found.test(text))?.what;
}
