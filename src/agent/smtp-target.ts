/** The mail server as Mastodon will talk to it: read from the same variables that are rendered, so that both agree. */
import { Refused } from "../base/errors.ts";
import { reveal, Secret } from "../base/secret.ts";
import type { SmtpTarget } from "../probe/smtp.ts";
import { deriveVariables } from "../settings/derive.ts";
import { envelopeSender } from "../settings/mail-types.ts";
import type { Merged } from "../settings/merge.ts";

/**
 * As Mastodon's `config/email.yml` reads them. Undefined if no mail server is known.
 *
 * @throws Refused for variables that contradict each other, so that Mastodon would send nothing
 */
export function smtpTarget(merged: Merged): SmtpTarget | undefined {
  const variables = deriveVariables(merged, new Map());
  const read = (name: string) => {
    const value = variables.get(name);
    return value === undefined ? undefined : reveal(value);
  };
  const [host, port] = [read("SMTP_SERVER"), read("SMTP_PORT")];
  if (host === undefined || port === undefined) return undefined;
  const [caFile, domain, sender] = [
    read("SMTP_CA_FILE"),
    read("SMTP_DOMAIN"),
    read("SMTP_RETURN_PATH") ?? read("SMTP_FROM_ADDRESS"),
  ];
  const login = loginOf(read("SMTP_LOGIN"), variables.get("SMTP_PASSWORD"), read("SMTP_AUTH_METHOD"));
  return {
    host,
    port: Number(port),
    tls: securityOf(read),
    verify: read("SMTP_OPENSSL_VERIFY_MODE") === "peer",
    ...(caFile !== undefined && { caFile }),
    ...(domain !== undefined && { domain }),
    ...(login !== undefined && { login }),
    ...(sender !== undefined && { from: envelopeSender(sender) }),
  };
}

function securityOf(read: (name: string) => string | undefined): NonNullable<SmtpTarget["tls"]> {
  const implicit = ["SMTP_TLS", "SMTP_SSL"].find((name) => read(name) === "true");
  const startTls = STARTTLS_MODES.find((mode) => mode === read("SMTP_ENABLE_STARTTLS")) ?? "auto";
  if (implicit === undefined) return startTls;
  if (startTls === "never") return "implicit";
  throw new Refused({
    where: `mastodon/env/${implicit}`,
    what: `it is true and SMTP_ENABLE_STARTTLS is ${startTls}: Mastodon sends nothing with both`,
    cure: "Delete one of the two keys; MAILPORT 25, 465 or 587 sets the right values.",
  });
}

function loginOf(
  user: string | undefined,
  password: string | Secret | undefined,
  asked: string | undefined,
): SmtpTarget["login"] {
  const method = LOGIN_METHODS.find((known) => known === asked);
  if (user === undefined || !(password instanceof Secret) || method === undefined) return undefined;
  return { user, password, method };
}

const STARTTLS_MODES = ["auto", "always", "never"] as const;
const LOGIN_METHODS = ["plain", "login", "cram_md5"] as const;
