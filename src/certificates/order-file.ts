/**
 * The order in progress for one domain: `<storage>/<domain>/order.json` with the private key in `order.pem`. If an
 * agent is killed, the next one finishes its order instead of ordering again.
 */
import { rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import type { Secret } from "../base/secret.ts";
import { makeDirectory, readText } from "../keys/disk.ts";
import { replace, writeTemporary } from "../state/durable.ts";
import { newKey } from "./account.ts";

const schema = z.object({ directory: z.string(), url: z.string() });

export interface OrderFile {
  /** Of the certificate to come; the same until the order has ended. */
  readonly key: Secret;
  /** Of the order, if one has begun at this server. */
  readonly url: string | undefined;
  begun(url: string): Promise<void>;
  ended(): Promise<void>;
}

export async function openOrder(storage: string, domain: string, directory: string): Promise<OrderFile> {
  const home = path.join(storage, domain);
  const [file, keyFile] = [path.join(home, "order.json"), path.join(home, "order.pem")];
  await makeDirectory(home);
  const url = urlIn((await readText(file))?.text, directory);
  return {
    key: await keyIn(keyFile),
    url,
    begun: (started) => write(file, JSON.stringify({ directory, url: started })),
    ended: async () => {
      await rm(file, { force: true });
      await rm(keyFile, { force: true });
    },
  };
}

async function keyIn(file: string): Promise<Secret> {
  const known = (await readText(file))?.text;
  if (known?.reveal().trim()) return known;
  const key = newKey();
  await write(file, key.reveal());
  return key;
}

function urlIn(text: Secret | undefined, directory: string): string | undefined {
  try {
    const order = schema.parse(JSON.parse(text?.reveal() ?? ""));
    return order.directory === directory ? order.url : undefined;
  } catch {
    return undefined;
  }
}

async function write(file: string, text: string): Promise<void> {
  await replace(await writeTemporary(file, text, { mode: 0o600 }), file);
}
