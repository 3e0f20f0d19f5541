import { inspect } from "node:util";
import { lazy } from "./lazy.ts";

const REDACTED = "[redacted]";
const SHORTEST_REDACTED = 4;

/**
 * A text that must not be seen. However it is formatted (template string, JSON, `console.log`, pino) it prints as
 * `[redacted]`; `reveal()` is the only way to the text, so its callers are easy to find and review.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** The text itself, secret or not: only for what is written to a protected file or sent to its owner. */
export function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/**
 * Removes secrets from the output of another program, in every form it may have written them: in a URL, in JSON, in
 * base64. Short ones are left, because masking them would break ordinary words.
 */
export function redactor(secrets: Iterable<Secret>): (text: string) => string {
  // A healthy program hardly ever prints anything that has to pass through here.
  const forms = lazy(() => allForms(secrets));
  return (text) => forms().reduce((redacted, form) => redacted.replaceAll(form, REDACTED), text);
}

/** If one is part of another, nothing of the longer one may remain: the longest come first. */
function allForms(secrets: Iterable<Secret>): readonly string[] {
  const texts = [...secrets]
    .map((secret) => secret.reveal())
    .filter((text) => text.length >= SHORTEST_REDACTED);
  return [...new Set(texts.flatMap(formsOf))].sort((a, b) => b.length - a.length);
}

function formsOf(text: string): readonly string[] {
  const base64 = Buffer.from(text).toString("base64");
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    encodeURI(text),
    base64,
    base64.replace(/=+$/, ""),
    Buffer.from(text).toString("base64url"),
  ];
}
