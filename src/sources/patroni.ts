import * as z from "zod";
import { DEPENDENCIES } from "../settings/dependencies.ts";
import type { LeadingMember } from "../settings/leader.ts";
import { typeNamed } from "../settings/slot.ts";

const member = z.object({ conn_url: z.string() });

/** What a `conn_url` means that names no port. */
const DEFAULT_PORT = "5432";

/**
 * Where a member of Patroni's says that it is. Its words are taken only where they would be acceptable as settings,
 * as those of the catalogue are. A member without a `conn_url` says nothing, which is not refused: it may come yet.
 */
export function readMember(key: string, text: string): Pick<LeadingMember, "endpoint" | "refusal"> {
  const parsed = member.safeParse(parseJson(text));
  if (!parsed.success) return { endpoint: undefined };
  const { conn_url: connUrl } = parsed.data;
  if (!URL.canParse(connUrl)) return refuse(key, "its conn_url is not usable: expected a URL");
  const { hostname, port } = new URL(connUrl);
  const into = DEPENDENCIES.postgres;
  const acceptedHost = typeNamed(into.host).accept(hostname);
  if (acceptedHost === undefined) return refuse(key, notUsableAs(into.host));
  const acceptedPort = typeNamed(into.port).accept(port || DEFAULT_PORT);
  if (acceptedPort === undefined) return refuse(key, notUsableAs(into.port));
  return { endpoint: { host: acceptedHost, port: Number(acceptedPort) } };
}

function notUsableAs(name: string): string {
  return `its conn_url is not usable as ${name}: expected ${typeNamed(name).expected}`;
}

function refuse(key: string, what: string): Pick<LeadingMember, "endpoint" | "refusal"> {
  return {
    endpoint: undefined,
    refusal: {
      complaint: {
        where: `Consul KV ${key}`,
        what,
        cure: "Correct connect_address in that member's Patroni configuration; until then the leader has no known address.",
      },
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
