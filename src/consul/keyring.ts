import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { codeOf, Misconfigured, messageOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import { syncDirectory } from "../state/durable.ts";

/**
 * Consul prefers the keyring it wrote at its first start to `encrypt` in its configuration, so a new gossip key would
 * have no effect. A keyring without the key (or one that does not parse) is renamed before the client starts; the new
 * path is returned.
 *
 * @throws Misconfigured when it may not be renamed
 */
export async function moveForeignKeyring(dataDir: string, gossipKey: Secret): Promise<string | undefined> {
  const folder = join(dataDir, "serf");
  const keyring = join(folder, "local.keyring");
  const content = await read(keyring);
  if (content === undefined || includes(content, gossipKey)) return undefined;
  const kept = `${keyring}.${timestamp(new Date())}.bak`;
  try {
    await rename(keyring, kept);
    await syncDirectory(folder);
  } catch (error) {
    const what = `it holds another gossip key and cannot be moved aside: ${messageOf(error)}`;
    const cure = `As the owner of that folder, stop the Consul client, then: \`mv ${keyring} ${kept}\`.`;
    throw new Misconfigured({ what, where: keyring, cure }, { cause: error });
  }
  return kept;
}

/** Whether the client would use this key; nothing is changed. */
export async function keyringHolds(
  dataDir: string,
  gossipKey: Secret,
): Promise<"yes" | "no" | "none" | "unreadable"> {
  try {
    return includes(await readFile(join(dataDir, "serf", "local.keyring"), "utf8"), gossipKey) ? "yes" : "no";
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "") ? "none" : "unreadable";
  }
}

/** A folder closed to the agent is its owner's business: if the client does not join, the problem names the keyring. */
async function read(keyring: string): Promise<string | undefined> {
  try {
    return await readFile(keyring, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function includes(content: string, gossipKey: Secret): boolean {
  const wanted = Buffer.from(gossipKey.reveal(), "base64");
  const keys = parse(content);
  return keys.some((key) => Buffer.from(key, "base64").equals(wanted));
}

const keyring = z.array(z.string());

function parse(content: string): readonly string[] {
  try {
    return keyring.parse(JSON.parse(content));
  } catch {
    return [];
  }
}

/** `20261124T103000Z` */
function timestamp(now: Date): string {
  return now.toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
}
