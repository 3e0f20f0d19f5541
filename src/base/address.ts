/** A host as written in a URL: IPv6 in brackets. */
export function bracketed(hostOrAddress: string): string {
  return hostOrAddress.includes(":") ? `[${hostOrAddress}]` : hostOrAddress;
}

/** Host and scheme of `https://host` or of a host alone; IPv6 without brackets. */
export function splitScheme(text: string): { readonly scheme?: string; readonly host: string } {
  const [, scheme, host = text] = /^(https?):\/\/(.*)$/.exec(text) ?? [];
  return { ...(scheme !== undefined && { scheme }), host: host.replace(/^\[(.*)\]$/, "$1") };
}

/** A host, behind its scheme if it has one. IPv6 is nothing without a scheme. */
export function withScheme(host: string, scheme: string | undefined): string {
  const needed = scheme ?? (host.includes(":") ? "http" : undefined);
  return needed === undefined ? host : `${needed}://${bracketed(host)}`;
}

const MAX_PORT = 65_535;

/** Whether the number after the last colon is a possible port. Others refuse what has none. */
export function hasPossiblePort(text: string): boolean {
  return !(Number(text.slice(text.lastIndexOf(":") + 1)) > MAX_PORT);
}

/** Host and port as people and URLs write them. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${bracketed(host)}:${port}`;
}

/** A path below an address that may have a path itself, as behind a proxy; `path` begins with a slash. */
export function urlBelow(address: string, path: string): URL {
  return new URL(`${address.replace(/\/+$/, "")}${path}`);
}
