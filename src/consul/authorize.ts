/** What the token may do, by asking instead of trying: Consul's own web interface asks the same. It changes nothing. */
import * as z from "zod";
import type { ConsulConnection } from "./create-client.ts";
import { askConsul } from "./question.ts";
import { rows } from "./rows.ts";

export interface Permission {
  readonly resource: "key" | "node" | "service" | "session";
  readonly access: "read" | "write";
  /** The key, the name of the node or of the service. */
  readonly segment: string;
}

export type Authorization =
  | { readonly kind: "told"; readonly allowed: readonly boolean[] }
  /** ACLs are off: everyone may do everything. */
  | { readonly kind: "open" }
  /** There is no such token. */
  | { readonly kind: "unknown token"; readonly reason: string }
  /** This Consul does not answer such queries. */
  | { readonly kind: "silent"; readonly reason: string };

const answer = z.array(z.object({ Allow: z.boolean() }));

/** Of Consul 1.7 and newer (`agent/acl_endpoint.go`). @throws the system's error when there is no answer */
export async function authorize(
  connection: ConsulConnection,
  permissions: readonly Permission[],
): Promise<Authorization> {
  const questions = permissions.map(({ resource, access, segment }) => ({
    Resource: resource,
    Access: access,
    Segment: segment,
  }));
  const reply = await askConsul(connection, "POST", "/v1/internal/acl/authorize", JSON.stringify(questions));
  const reason = `${reply.body.trim().slice(0, 100)} (HTTP ${reply.status})`;
  if (reply.status === 401 && (await areAclsOff(connection))) return { kind: "open" };
  if (reply.status === 403) return { kind: "unknown token", reason };
  if (reply.status !== 200) return { kind: "silent", reason };
  return { kind: "told", allowed: answer.parse(JSON.parse(reply.body)).map(({ Allow }) => Allow) };
}

/**
 * A client that does not know about ACLs considers them disabled, whatever its servers do; the servers say so in Serf's
 * tags.
 */
async function areAclsOff(connection: ConsulConnection): Promise<boolean> {
  const { status, body } = await askConsul(connection, "GET", "/v1/agent/members");
  const servers = members.safeParse(status === 200 ? JSON.parse(body) : []).data?.filter(isServer) ?? [];
  return servers.length > 0 && servers.every(({ Tags }) => Tags?.["acls"] === "0");
}

const member = z.object({ Tags: z.record(z.string(), z.string()).nullish() });
const members = rows<z.infer<typeof member>>(member, () => ({}));

function isServer({ Tags }: z.infer<typeof member>): boolean {
  return Tags?.["role"] === "consul";
}
