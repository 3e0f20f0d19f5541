interface Stray {
  /** Completes "the value ...". */
  readonly what: string;
  /** Nobody's value has it, whatever the type would accept. */
  readonly isNeverMeant: boolean;
}

const STRAYS: readonly (Stray & { readonly found: RegExp })[] = [
  {
    found: /^\uFEFF/,
    what: "begins with a byte order mark, as some editors write to a file",
    isNeverMeant: true,
  },
  {
    found: /[\r\n]$/,
    what: "ends with a line break, as `echo` writes it and `consul kv put KEY @file` keeps it",
    isNeverMeant: false,
  },
  { found: /^\s/, what: "begins with a blank", isNeverMeant: false },
  { found: /\s$/, what: "ends with a blank", isNeverMeant: false },
];

/** What tools add to a value without being asked: often the reason why it is refused, and hard to see. */
export function strayIn(text: string): Stray | undefined {
  return STRAYS.find(({ found }) => found.test(text));
}
