import * as z from "zod";
import { firstLine, visible } from "../base/visible.ts";
import type { Instance } from "../settings/instance.ts";
import type { KvPair, LocalCheck, LocalService, Member } from "./client.ts";
import { entries, rows } from "./rows.ts";

/** What a call with `includeResponse` returns: the response and the body, if there was one. */
export const response = z
  .tuple([z.object({ headers: z.looseObject({}) })])
  .rest(z.unknown())
  .transform(([{ headers }, body]) => ({ headers, body }));

/** What an error of the package may carry. */
export const failure = z
  .object({ response: z.object({ statusCode: z.number(), body: z.unknown() }) })
  .transform(({ response }) => response);

const rawPair = z
  .object({
    Key: z.string(),
    Value: z.instanceof(Buffer).nullable(),
    ModifyIndex: z.number(),
    Session: z.string().optional(),
  })
  .transform(
    ({ Key, Value, ModifyIndex, Session }): KvPair => ({
      key: Key,
      value: Value ?? Buffer.alloc(0),
      modifyIndex: ModifyIndex,
      ...(Session && { session: Session }),
    }),
  );

/**
 * A prefix without keys answers 404, which the package turns into nothing. This list is judged as a whole: a pair that
 * was left out would count as deleted.
 */
export const kvPairs = z
  .array(rawPair)
  .optional()
  .transform((pairs): readonly KvPair[] => pairs ?? []);
export const kvPair = rawPair.optional();

/** Consul leaves out a port of 0 since 1.22, and Go's empty lists come as null. */
const textOrNone = z.string().default("");
const portOrNone = z.number().default(0);
const tags = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const meta = z
  .record(z.string(), z.string())
  .nullish()
  .transform((given) => given ?? {});

const servicePorts = z.array(z.object({ Port: z.number(), Default: z.boolean().default(false) })).nullish();

const rawInstance = z
  .object({
    Node: z.object({ Node: textOrNone, Address: textOrNone }),
    Service: z.object({
      ID: z.string(),
      Kind: textOrNone,
      Address: textOrNone,
      Port: portOrNone,
      Ports: servicePorts,
      Tags: tags,
      Meta: meta,
      ModifyIndex: z.number().default(0),
    }),
    Checks: z
      .array(
        z
          .object({ Name: textOrNone, Status: z.string(), Output: textOrNone })
          .transform(({ Name, Status, Output }) => ({
            name: Name,
            status: Status,
            output: firstLine(Output),
          })),
      )
      .nullish(),
  })
  .transform(({ Node, Service, Checks }): Instance => {
    const { scheme, host } = Service.Meta;
    return {
      id: Service.ID,
      node: Node.Node,
      host: host || Service.Address || Node.Address,
      port: Service.Port || (Service.Ports?.find(({ Default }) => Default)?.Port ?? 0),
      ...(scheme && { scheme }),
      // Consul gives a sidecar the tags of its service: its role is not its own.
      ...(Service.Kind === "" ? { tags: Service.Tags } : { tags: [], fault: ofTheMesh(Service.Kind) }),
      failing: (Checks ?? [])
        .filter(({ status }) => status !== "passing")
        .sort((a, b) => order(a.status, b.status) || order(a.name, b.name)),
      modifyIndex: Service.ModifyIndex,
    };
  });

function ofTheMesh(kind: string): string {
  return `a ${visible(kind, 40)}, not the service itself: register it under another name`;
}

/** As much of an entry as says whose it is and which role it has. */
const outline = z.object({
  Node: z.object({ Node: z.string().catch("?") }).catch({ Node: "?" }),
  Service: z.object({ ID: z.string().catch("?"), Tags: tags.catch([]) }).catch({ ID: "?", Tags: [] }),
});

function misreadInstance(raw: unknown, fault: string): Instance {
  const { Node, Service } = outline.catch({ Node: { Node: "?" }, Service: { ID: "?", Tags: [] } }).parse(raw);
  return {
    id: Service.ID,
    node: Node.Node,
    host: "",
    port: 0,
    tags: Service.Tags,
    failing: [],
    fault: `not understood: ${fault}`,
    modifyIndex: 0,
  };
}

/** Sorted, because Consul orders by distance, which changes by itself. */
export const instances = rows(rawInstance, misreadInstance).transform((found) =>
  found.sort((a, b) => order(a.id, b.id) || order(a.node, b.node)),
);

export const sessionId = z.object({ ID: z.string() }).transform(({ ID }) => ID);

/** An address, or an empty text while there is no leader. */
export const leader = z.string().transform((address) => address || undefined);

/** Serf's status 1 is alive; the tag `build` is `1.8.7:` and the revision, `role` of a server is `consul`. */
const rawMember = z.object({ Name: z.string(), Status: z.number(), Tags: meta }).transform(
  ({ Name, Status, Tags }): Member => ({
    name: Name,
    isAlive: Status === 1,
    isServer: Tags["role"] === "consul",
    ...(Tags["build"] && { build: Tags["build"].replace(/:.*/, "") }),
  }),
);

export const members = rows(rawMember, (raw, fault): Member => {
  const { data } = z.object({ Name: z.string() }).safeParse(raw);
  return { name: data?.Name ?? "?", isAlive: false, isServer: false, fault };
});

export const localServices = entries(
  z
    .object({
      ID: z.string(),
      Service: z.string(),
      Address: textOrNone,
      Port: portOrNone,
      Tags: tags,
      Meta: meta,
    })
    .transform(
      ({ ID, Service, Address, Port, Tags, Meta }): LocalService => ({
        id: ID,
        name: Service,
        address: Address,
        port: Port,
        tags: Tags,
        meta: Meta,
      }),
    ),
);

export const localChecks = entries(
  z
    .object({
      CheckID: z.string(),
      ServiceID: textOrNone,
      Name: textOrNone,
      Notes: textOrNone,
      Status: z.enum(["passing", "warning", "critical"]).catch("critical"),
      Output: textOrNone,
    })
    .transform(
      ({ CheckID, ServiceID, Name, Notes, Status, Output }): LocalCheck => ({
        id: CheckID,
        service: ServiceID,
        name: Name,
        notes: Notes,
        status: Status,
        output: Output,
      }),
    ),
);

/** The facts about an answer from Consul's headers. */
export function readHeaders(headers: Readonly<Record<string, unknown>>) {
  return {
    index: readIndex(headers["x-consul-index"]),
    knownLeader: headers["x-consul-knownleader"] !== "false",
    lastContactMs: Number(headers["x-consul-lastcontact"] ?? 0),
    filtered: headers["x-consul-results-filtered-by-acls"] === "true",
  };
}

/** Indices are 64 bits wide: more than a number holds. */
function readIndex(header: unknown): bigint {
  return typeof header === "string" && /^\d+$/.test(header) ? BigInt(header) : 0n;
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
