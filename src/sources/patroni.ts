import * as z from "zod";
import { parseJson } from "../base/json.ts";
import { DEPENDENCIES } from "../settings/dependencies.ts";
import type { LeadingMember } from "../settings/leader.ts";
import { readEndpoint } from "./endpoint.ts";

const member = z.object({ conn_url: z.string() });

/** The port of a `conn_url` without one. */
const DEFAULT_PORT = "5432";

/**
 * Where a Patroni member says it is. Its address is used only if it would be acceptable as settings, like those from
 * the catalogue. A member without a `conn_url` gives none, which is not refused: it may still come.
 */
export function readMember(key: string, text: string): Pick<LeadingMember, "endpoint" | "refusal"> {
  const parsed = member.safeParse(parseJson(text));
  if (!parsed.success) return { endpoint: undefined };
  const { conn_url: connUrl } = parsed.data;
  if (!URL.canParse(connUrl))
    return refuse(key, DEPENDENCIES.postgres.host, "its conn_url is unusable: expected a URL");
  const { hostname, port } = new URL(connUrl);
  const endpoint = { host: hostname, port: Number(port || DEFAULT_PORT) };
  const read = readEndpoint("postgres", endpoint);
  if ("fault" in read) return refuse(key, read.name, `its conn_url is ${read.fault}`);
  return { endpoint: { ...endpoint, host: read.host } };
}

function refuse(key: string, name: string, what: string): Pick<LeadingMember, "endpoint" | "refusal"> {
  return {
    endpoint: undefined,
    refusal: {
      name,
      complaint: {
        where: `Consul KV ${key}`,
        what,
        cure: "Correct connect_address in that member's Patroni configuration; until then the leader has no known address.",
      },
    },
  };
}
