/** A host as it stands in a URL: IPv6 in brackets. */
export function bracketed(hostOrAddress: string): string {
  return hostOrAddress.includes(":") ? `[${hostOrAddress}]` : hostOrAddress;
}

/** Host and port as people and URLs write them. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${bracketed(host)}:${port}`;
}

/** A path below an address that may have one itself, as behind a proxy; `path` begins with a slash. */
export function urlBelow(address: string, path: string): URL {
  return new URL(`${address.replace(/\/+$/, "")}${path}`);
}
