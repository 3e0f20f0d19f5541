import { DEPENDENCIES, type DependencyName, type Endpoint } from "../settings/dependencies.ts";
import { typeNamed } from "../settings/slot.ts";

export type ReadEndpoint =
  /** The host in its canonical form. */
  | { readonly host: string }
  /** Why a part of it would not be acceptable as the setting it goes into, and that setting. */
  | { readonly fault: string; readonly name: string };

/** Permission to say in Consul where a backend is must not allow writing anything else into Mastodon's configuration. */
export function readEndpoint(dependency: DependencyName, { host, port, scheme }: Endpoint): ReadEndpoint {
  const row = DEPENDENCIES[dependency];
  const accepted = typeNamed(row.host).accept(host);
  if (accepted === undefined) return notUsableAs(row.host);
  if (typeNamed(row.port).accept(String(port)) === undefined) return notUsableAs(row.port);
  const hasScheme = row.scheme !== undefined && scheme;
  if (hasScheme && typeNamed(row.scheme).accept(scheme) === undefined) return notUsableAs(row.scheme);
  return { host: accepted };
}

function notUsableAs(name: string): ReadEndpoint {
  return { name, fault: `not usable as ${name}: expected ${typeNamed(name).expected}` };
}
