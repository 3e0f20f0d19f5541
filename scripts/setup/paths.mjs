import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const CHECKOUT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export function inCheckout(...names) {
  return join(CHECKOUT, ...names);
}
