/**
 * The identity of a node in the cluster. A client that creates its own writes it in its data directory. One that gets it
 * from its configuration does not, so once the agent's state is lost only that configuration still has it.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../base/errors.ts";

/** In JSON and in HCL. */
const NODE_NAME = /\bnode_name"?\s*[:=]\s*"([^"]*)"/;
const CONFIGURED_ID = /\bnode_id"?\s*[:=]\s*"([^"]*)"/;
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

/** The ID that a client's configuration gives to the node of this name. A file may have been copied from another node. */
export async function configuredNodeId(file: string, name: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const id = CONFIGURED_ID.exec(text)?.[1]?.toLowerCase();
  const isOurs = NODE_NAME.exec(text)?.[1] === name;
  return isOurs && id !== undefined && NODE_ID.test(id) ? id : undefined;
}
