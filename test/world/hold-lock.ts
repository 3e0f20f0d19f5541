import * as z from "zod";
import type { ConsulServer } from "./consul.ts";

/** @returns the session that holds it */
export async function holdLock(consul: ConsulServer, key: string, holder: string): Promise<string> {
  const { ID } = z.object({ ID: z.string() }).parse(await consul.request("PUT", "/v1/session/create", "{}"));
  await consul.request("PUT", `/v1/kv/${key}?acquire=${ID}`, holder);
  return ID;
}
