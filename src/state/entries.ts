import { readdirSync } from "node:fs";
import { codeOf } from "../base/errors.ts";

/** Names in a folder; none if it does not exist, is not a folder or may not be read. */
export function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}
