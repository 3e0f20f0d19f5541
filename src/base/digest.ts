import { hash } from "node:crypto";

/** SHA-256 in lower-case hex: equal digests mean equal content. */
export function digest(content: string | Uint8Array): string {
  return hash("sha256", content);
}
