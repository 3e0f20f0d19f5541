import { splitScheme } from "../base/address.ts";
import { DEPENDENCIES, type DependencyName, type Endpoint, placesOf } from "../settings/dependencies.ts";
import { typeNamed } from "../settings/slot.ts";

export type ReadEndpoint =
  /** The host in its canonical form. */
  | { readonly host: string }
  /** Why a part of it would not be acceptable as the setting it goes into, and that setting. */
  | { readonly fault: string; readonly name: string };

/** Permission to say in Consul where a backend is must not allow writing anything else into Mastodon's configuration. */
export function readEndpoint(dependency: DependencyName, endpoint: Endpoint): ReadEndpoint {
  if (endpoint.host.startsWith("/")) return { name: DEPENDENCIES[dependency].host, fault: NO_PATH };
  const places = [...placesOf(dependency, endpoint)];
  const read = places.map(([name, text]) => ({ name, accepted: typeNamed(name).accept(text) }));
  const unusable = read.find(({ accepted }) => accepted === undefined);
  if (unusable !== undefined) return notUsableAs(unusable.name);
  const { host, schemeInHost } = DEPENDENCIES[dependency];
  const text = read.find(({ name }) => name === host)?.accepted ?? "";
  return { host: schemeInHost ? splitScheme(text).host : text };
}

/** Paths are the operator's. */
const NO_PATH = "not usable: its host is a path; expected a host name or an IP address";

function notUsableAs(name: string): ReadEndpoint {
  return { name, fault: `not usable as ${name}: expected ${typeNamed(name).expected}` };
}
