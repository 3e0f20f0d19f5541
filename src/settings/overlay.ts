/**
 * An operator's port or scheme in KV applies to every endpoint from the catalogue: candidates are compared, probed and
 * used with it.
 */
import { reveal } from "../base/secret.ts";
import { DEPENDENCIES, type DependencyName, type Endpoint } from "./dependencies.ts";
import { wishIn } from "./slot.ts";
import type { Layer } from "./wish.ts";

/** An endpoint as Mastodon would use it. */
export interface Offered extends Endpoint {
  /** What the catalogue has instead of what the operator put. */
  readonly registered?: Omit<Endpoint, "host">;
}

export type Overlay = <Kind extends Offered>(endpoint: Kind) => Kind;

export function overlayFor(
  name: DependencyName,
  { node, shared }: { readonly node: Layer; readonly shared: Layer },
): Overlay {
  const row = DEPENDENCIES[name];
  const put = (setting: string) => wishIn(node, setting) ?? wishIn(shared, setting);
  const [port, scheme] = [put(row.port), row.scheme && put(row.scheme)];
  if (port === undefined && scheme === undefined) return (endpoint) => endpoint;
  return (endpoint) => {
    const { host: _, ...registered } = asRegistered(endpoint);
    return {
      ...endpoint,
      ...(port && { port: Number(reveal(port.value)) }),
      ...(scheme && { scheme: reveal(scheme.value) }),
      registered,
    };
  };
}

/** The same endpoint as in the catalogue. */
export function asRegistered({ host, port, scheme, registered }: Offered): Endpoint {
  return { host, ...(registered ?? { port, ...(scheme !== undefined && { scheme }) }) };
}
