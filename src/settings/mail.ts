/**
 * What Mastodon's mail needs besides the settings: the port decides how the connection is secured, unless the operator
 * says otherwise. What is implied is a wish like any other, the weakest one, so that it can be explained.
 */
import { reveal } from "../base/secret.ts";
import type { Merged } from "./merge.ts";
import { rankedIn } from "./slot.ts";
import type { Wish } from "./wish.ts";

type Known = Pick<Merged, "settings" | "variables">;

/** One of Mastodon's mail servers: the prefix of its variables, and where its address arrives. */
interface Mailer {
  readonly prefix: "SMTP_" | "BULK_SMTP_";
  readonly server: string;
  readonly port: string;
}

const MAILERS: readonly Mailer[] = [
  { prefix: "SMTP_", server: "MAILHOST", port: "MAILPORT" },
  { prefix: "BULK_SMTP_", server: "BULK_SMTP_SERVER", port: "BULK_SMTP_PORT" },
];

/** Names that the port may decide. */
const IMPLIED = ["DOMAIN", "AUTH_METHOD", "OPENSSL_VERIFY_MODE", "TLS", "ENABLE_STARTTLS"] as const;

/** Each mail server's variables by default. */
export function impliedMailVariables(known: Known): ReadonlyMap<string, Wish> {
  const implied = new Map<string, Wish>();
  for (const mailer of MAILERS.filter(({ server }) => said(known, server) !== undefined)) {
    for (const name of IMPLIED) {
      const wish = imply(name, mailer, known);
      if (wish !== undefined) implied.set(`${mailer.prefix}${name}`, wish);
    }
  }
  return implied;
}

/** Ruby's SMTP logs in whenever it has a user, whatever the method: no login means no user. */
export function isWithoutLogin(variable: string, { variables }: Known): boolean {
  const method = METHOD_OF_LOGIN.get(variable);
  return method !== undefined && variables.get(method)?.[0].value === "none";
}

/** The login variables, and the one that names the method. */
const METHOD_OF_LOGIN: ReadonlyMap<string, string> = new Map(
  MAILERS.flatMap(({ prefix }) =>
    ["LOGIN", "PASSWORD"].map((part) => [`${prefix}${part}`, `${prefix}AUTH_METHOD`] as const),
  ),
);

function imply(name: (typeof IMPLIED)[number], mailer: Mailer, known: Known): Wish | undefined {
  switch (name) {
    case "DOMAIN":
      return implied(said(known, "DOMAIN"), "DOMAIN");
    case "AUTH_METHOD":
      return implied("plain", "default");
    case "OPENSSL_VERIFY_MODE":
      return implied("peer", "default");
    case "TLS":
      return isImplicitByPort(mailer, known) ? implied("true", portOf(mailer, known)) : undefined;
    case "ENABLE_STARTTLS":
      return startTls(mailer, known);
  }
}

/**
 * `mail`, Ruby's library, refuses to deliver when TLS is on and STARTTLS is not off (from 2.9 on), so `never` is said.
 * Mastodon 4.4 reads `SMTP_ENABLE_STARTTLS_AUTO=false` as true, so the newer variable says it too.
 */
function startTls(mailer: Mailer, known: Known): Wish {
  const { prefix } = mailer;
  const tls = ["TLS", "SSL"].map((name) => `${prefix}${name}`).find((name) => said(known, name) === "true");
  if (tls !== undefined) return implied("never", tls);
  if (isImplicitByPort(mailer, known)) return implied("never", portOf(mailer, known));
  const auto = said(known, `${prefix}ENABLE_STARTTLS_AUTO`);
  if (auto !== undefined)
    return implied(auto === "false" ? "never" : "auto", `${prefix}ENABLE_STARTTLS_AUTO`);
  return implied(said(known, mailer.port) === "587" ? "always" : "auto", portOf(mailer, known));
}

/** 465 is TLS from the first byte (RFC 8314 section 3.3), unless the operator asked for something else. */
function isImplicitByPort({ prefix, port }: Mailer, known: Known): boolean {
  const starttls = said(known, `${prefix}ENABLE_STARTTLS`) ?? "never";
  const isOpen = ["TLS", "SSL"].every((name) => said(known, `${prefix}${name}`) === undefined);
  return said(known, port) === "465" && isOpen && starttls === "never";
}

function portOf({ port }: Mailer, known: Known): string {
  return `${port} ${said(known, port) ?? "25"}`;
}

function implied(value: string, where: string): Wish;
function implied(value: string | undefined, where: string): Wish | undefined;
function implied(value: string | undefined, where: string): Wish | undefined {
  return value === undefined ? undefined : { level: "default", value, where };
}

function said(known: Known, name: string): string | undefined {
  const value = rankedIn(known, name)?.[0].value;
  return value === undefined ? undefined : reveal(value);
}
