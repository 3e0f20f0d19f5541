/**
 * Addresses and users of mail: as the `email.yml` of Mastodon 4.4.0 holds them, without quotes, and as Ruby's mail reads them. Where
 * its grammar does not match, it takes something else for the envelope's sender, and every mail is refused.
 */
import { CONTROL, isPlainInYaml, matching, text, type ValueType } from "./types.ts";

/** In `email.yml` some texts would not be read as text without quotes, or break the file. */
const UNQUOTED =
  " (it begins with a letter, a digit or _, and has no colon or # next to a space: Mastodon 4.4.0's email.yml does not quote it)";

const DOT_ATOM = String.raw`[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*`;

export const email: ValueType = matching(
  new RegExp(String.raw`^(?=.{3,318}$)[^\s@<>()[\]",;:\\]{1,64}@${DOT_ATOM}$`),
  "an email address",
  "admin@example.org",
);

/** Words, and comments in parentheses (RFC 5322 section 3.2). Quoted ones would begin with what YAML takes for its own. */
const NAME = /^(?:[^<>()[\]",;:\\]|\([^<>()[\]"\\]*\))+$/;
/** Where Ruby's mail does not forgive a dot or an @ outside of quotes: before two blanks, another one, or a comment. */
const STRAY = /[.@](\s[\s.@]|\s?\()/;

/** An address with or without a display name. */
export const mailbox: ValueType = {
  expected: `an email address, optionally as Name <address> with none of " , ; : < > [ ] \\ in the name (Ruby's mail would take another sender)${UNQUOTED}`,
  example: "Mastodon <notifications@example.org>",
  accept: (value) => {
    if (!isPlainInYaml(value)) return undefined;
    const { name, address } = split(value);
    if (email.accept(address) === undefined) return undefined;
    return name === undefined || isName(name) ? value : undefined;
  },
};

/** What goes into MAIL FROM of a mailbox. */
export function envelopeSender(value: string): string {
  return split(value).address;
}

/** A user of the mail server: an address or a name. */
export const mailUser: ValueType = {
  expected: `one line of at most 256 characters${UNQUOTED}`,
  example: "mastodon@example.org",
  accept: (value) => (isPlainInYaml(value) ? text("", 256).accept(value) : undefined),
};

function split(value: string): { readonly name?: string; readonly address: string } {
  const [, name, address] = /^([^<>]{1,128})<([^<>]+)>$/.exec(value) ?? [];
  return name === undefined || address === undefined ? { address: value } : { name, address };
}

function isName(name: string): boolean {
  return NAME.test(name) && !STRAY.test(`${name} `) && !CONTROL.test(name);
}
