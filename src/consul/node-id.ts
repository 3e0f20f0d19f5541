/** The identity of a node in the cluster, as the client writes it in its data directory. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../base/errors.ts";

/** As Consul's agent/config checks it. */
const NODE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The ID that the client has, or a new one for a client that has never run. Undefined if that cannot be known, because
 * the client's directory is closed to us: then the client's own ID must not be replaced.
 */
export async function nodeIdIn(dataDir: string): Promise<string | undefined> {
  try {
    const id = (await readFile(path.join(dataDir, "node-id"), "utf8")).trim().toLowerCase();
    return NODE_ID.test(id) ? id : undefined;
  } catch (error) {
    return codeOf(error) === "ENOENT" ? randomUUID() : undefined;
  }
}
