import type { EndpointStatus } from "../report/status.ts";
import { DEPENDENCIES, type DependencyName } from "../settings/dependencies.ts";
import { inForceOf } from "./explanation.ts";
import type { Memory } from "./memory.ts";

/** Where host and port of the endpoint in use came from; an older state knows it of the host alone. */
export function endpointOrigin(name: DependencyName, memory: Memory): EndpointStatus["from"] {
  const inUse = memory.endpoints[name];
  if (inUse === undefined) return { host: null, port: null };
  const { host, port } = DEPENDENCIES[name];
  const known = { level: inUse.level, where: inUse.source, index: null };
  return { host: originOf(host, memory) ?? known, port: originOf(port, memory) };
}

function originOf(name: string, memory: Memory): EndpointStatus["from"]["host"] {
  const from = inForceOf(name, memory)?.from;
  if (from === undefined) return null;
  const { level, where, index = null } = from;
  return { level, where, index };
}
