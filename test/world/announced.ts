import * as z from "zod";
import type { ConsulHttp } from "./consul-http.ts";

const health = z.array(
  z.object({
    Node: z.object({ Node: z.string() }),
    Service: z.object({
      ID: z.string(),
      Address: z.string(),
      Port: z.number().default(0),
      Tags: z.array(z.string()).nullable(),
      Meta: z.record(z.string(), z.string()).nullable(),
      ModifyIndex: z.number(),
    }),
    Checks: z.array(
      z.object({
        CheckID: z.string(),
        ServiceID: z.string(),
        Name: z.string(),
        Status: z.string(),
        Output: z.string(),
        ModifyIndex: z.number(),
      }),
    ),
  }),
);

export interface Announced {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Of the service and its checks: the newest. */
  readonly modifyIndex: number;
  readonly checks: readonly {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly output: string;
  }[];
}

/** What Consul's catalogue, and with it its UI, has of a service: without the check of its node. */
export async function announced(
  consul: Pick<ConsulHttp, "request">,
  service: string,
): Promise<readonly Announced[]> {
  const entries = health.parse(await consul.request("GET", `/v1/health/service/${service}`));
  return entries.map(({ Service, Checks }) => {
    const own = Checks.filter(({ ServiceID }) => ServiceID === Service.ID);
    return {
      id: Service.ID,
      address: Service.Address,
      port: Service.Port,
      tags: Service.Tags ?? [],
      meta: Service.Meta ?? {},
      modifyIndex: Math.max(Service.ModifyIndex, ...own.map(({ ModifyIndex }) => ModifyIndex)),
      checks: own.map(({ CheckID, Name, Status, Output }) => ({
        id: CheckID,
        name: Name,
        status: Status,
        output: Output,
      })),
    };
  });
}

/** The one check of the one instance, as `status: output`. */
export async function checkOf(consul: Pick<ConsulHttp, "request">, service: string): Promise<string> {
  const checks = (await announced(consul, service)).flatMap((entry) => entry.checks);
  return checks.map(({ status, output }) => `${status}: ${output}`).join(" | ");
}
