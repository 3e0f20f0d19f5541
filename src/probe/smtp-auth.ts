/** Logging in to an SMTP server, with the three methods that Mastodon knows (RFC 4954, 4616, 2195). */
import { createHmac } from "node:crypto";
import type { Secret } from "../base/secret.ts";
import type { Reply, SmtpDialog } from "./smtp-dialog.ts";

export interface SmtpLogin {
  readonly user: string;
  readonly password: Secret;
  /** SMTP_AUTH_METHOD. */
  readonly method: "plain" | "login" | "cram_md5";
}

/** @returns the last answer: 235 if the server lets the user in */
export async function logIn(dialog: SmtpDialog, login: SmtpLogin): Promise<Reply> {
  return METHODS[login.method](dialog, login.user, login.password);
}

type Method = (dialog: SmtpDialog, user: string, password: Secret) => Promise<Reply>;

/** With 334 the server asks for more; anything else is its verdict. */
const ASKS_ON = 334;

const METHODS: Readonly<Record<SmtpLogin["method"], Method>> = {
  plain: (dialog, user, password) => dialog.ask(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`),

  login: async (dialog, user, password) => {
    const first = await dialog.ask("AUTH LOGIN");
    if (first.code !== ASKS_ON) return first;
    const second = await dialog.ask(base64(user));
    return second.code === ASKS_ON ? dialog.ask(base64(password.reveal())) : second;
  },

  cram_md5: async (dialog, user, password) => {
    const asked = await dialog.ask("AUTH CRAM-MD5");
    if (asked.code !== ASKS_ON) return asked;
    const challenge = Buffer.from(asked.lines.at(-1) ?? "", "base64");
    const answer = createHmac("md5", password.reveal()).update(challenge).digest("hex");
    return dialog.ask(base64(`${user} ${answer}`));
  },
};

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
