import * as z from "zod";
import { firstLine } from "../base/visible.ts";
import type { Instance } from "../settings/instance.ts";
import type { KvPair, LocalCheck, LocalService, Member } from "./client.ts";

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

/** A prefix without keys answers 404, which the package turns into nothing. */
export const kvPairs = z
  .array(rawPair)
  .optional()
  .transform((pairs): readonly KvPair[] => pairs ?? []);
export const kvPair = rawPair.optional();

const rawInstance = z
  .object({
    Node: z.object({ Node: z.string(), Address: z.string() }),
    Service: z.object({
      ID: z.string(),
      Address: z.string(),
      Port: z.number(),
      Tags: z.array(z.string()).nullable(),
      Meta: z.record(z.string(), z.string()).nullish(),
      ModifyIndex: z.number().default(0),
    }),
    Checks: z.array(
      z
        .object({ Name: z.string(), Status: z.string(), Output: z.string() })
        .transform(({ Name, Status, Output }) => ({ name: Name, status: Status, output: firstLine(Output) })),
    ),
  })
  .transform(({ Node, Service, Checks }): Instance => {
    const scheme = Service.Meta?.["scheme"];
    return {
      id: Service.ID,
      node: Node.Node,
      host: Service.Meta?.["host"] || Service.Address || Node.Address,
      port: Service.Port,
      ...(scheme && { scheme }),
      tags: Service.Tags ?? [],
      failing: Checks.filter(({ status }) => status !== "passing").sort(
        (a, b) => order(a.status, b.status) || order(a.name, b.name),
      ),
      modifyIndex: Service.ModifyIndex,
    };
  });

/** Sorted, because Consul orders by distance, which changes by itself. */
export const instances = z
  .array(rawInstance)
  .transform((found) => found.sort((a, b) => order(a.id, b.id) || order(a.node, b.node)));

export const sessionId = z.object({ ID: z.string() }).transform(({ ID }) => ID);

/** An address, or an empty text while there is no leader. */
export const leader = z.string().transform((address) => address || undefined);

/** Serf's status 1 is alive; a server's role tag is `consul`. */
export const members = z.array(
  z
    .object({ Name: z.string(), Status: z.number(), Tags: z.record(z.string(), z.string()).nullish() })
    .transform(
      ({ Name, Status, Tags }): Member => ({
        name: Name,
        isAlive: Status === 1,
        isServer: Tags?.["role"] === "consul",
      }),
    ),
);

const texts = z.record(z.string(), z.string());

/** Both come as objects, by ID. */
export const localServices = z
  .record(
    z.string(),
    z
      .object({
        ID: z.string(),
        Service: z.string(),
        Address: z.string(),
        Port: z.number(),
        Tags: z.array(z.string()).nullish(),
        Meta: texts.nullish(),
      })
      .transform(
        ({ ID, Service, Address, Port, Tags, Meta }): LocalService => ({
          id: ID,
          name: Service,
          address: Address,
          port: Port,
          tags: Tags ?? [],
          meta: Meta ?? {},
        }),
      ),
  )
  .transform((services) => Object.values(services));

export const localChecks = z
  .record(
    z.string(),
    z
      .object({
        CheckID: z.string(),
        ServiceID: z.string(),
        Name: z.string(),
        Notes: z.string(),
        Status: z.enum(["passing", "warning", "critical"]).catch("critical"),
        Output: z.string(),
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
  )
  .transform((checks) => Object.values(checks));

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
