import type { EndpointStatus } from "./status.ts";

type Origin = NonNullable<EndpointStatus["from"]["host"]>;

/** Level and place of where an endpoint comes from, of both its parts where they differ. A default goes without saying. */
export function originText({
  source,
  from: { host, port },
}: Pick<EndpointStatus, "source" | "from">): string {
  if (host === null) return source ?? "";
  if (port === null || port.level === "default" || placeOf(port) === placeOf(host)) return placeOf(host);
  return port.level === host.level
    ? `${placeOf(host)} and ${port.where}`
    : `${placeOf(host)}, port from ${placeOf(port)}`;
}

function placeOf({ level, where }: Origin): string {
  return level === where ? level : `${level}: ${where}`;
}
