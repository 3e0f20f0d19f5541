/** What an operator can do about each step of the mail dialogue that fails. */

/** The steps, in order. */
export type Part =
  | "name"
  | "connection"
  | "implicit TLS"
  | "greeting"
  | "EHLO"
  | "STARTTLS"
  | "TLS"
  | "AUTH"
  | "MAIL FROM";

const CERTIFICATE =
  "MAILHOST must be the name in the server's certificate, and variables.SMTP_CA_FILE in the configuration file must contain the authority that signed it";

const CURES: Readonly<Record<Part, string>> = {
  name: "Correct MAILHOST, or this machine's name server.",
  connection:
    "Correct MAILHOST and MAILPORT (25, 465 or 587), or let this machine through to it: many providers close port 25.",
  "implicit TLS": `${CERTIFICATE}. For a server that starts without TLS use port 587 or 25, or mastodon/env/SMTP_TLS false.`,
  greeting:
    "Is there a mail server on that port? One that expects TLS from the first byte says nothing: use MAILPORT 465, or mastodon/env/SMTP_TLS true.",
  EHLO: "It refuses this machine's name or address: put mastodon/env/SMTP_DOMAIN, or ask its operator.",
  STARTTLS: "Use MAILPORT 465, or put mastodon/env/SMTP_ENABLE_STARTTLS: never, to do without TLS.",
  TLS: `${CERTIFICATE}.`,
  AUTH: "Correct MAILUSER and MAILPASS, or put mastodon/env/SMTP_AUTH_METHOD: plain, login, cram_md5 or none. Some servers accept no login without TLS.",
  "MAIL FROM": "Correct MAILFROM: this user may not send from that address.",
};

/** @param code of the server's answer; the 400s are temporary (RFC 5321 section 4.2.1) */
export function cureFor(part: Part, code = 500): string {
  return code >= 400 && code < 500
    ? "It asks to try again later; if this continues, ask its operator."
    : CURES[part];
}
