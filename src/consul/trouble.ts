/** What the Consul client's log says about why it does not join: its API only knows that it did not. */

export type Trouble =
  | { readonly kind: "wrong_gossip_key" }
  | { readonly kind: "name_conflict"; readonly other: string }
  | { readonly kind: "denied"; readonly reason: string }
  | { readonly kind: "server_unreachable"; readonly server: string; readonly reason: string };

/** Lines of Consul 1.8 to 1.22 (memberlist, serf and the catalogue); each but the first of a kind is ignored. */
export function troubleIn(line: string): Trouble | undefined {
  if (WRONG_KEY.test(line)) return { kind: "wrong_gossip_key" };
  const other = CONFLICTS.map((pattern) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
  if (other !== undefined) return { kind: "name_conflict", other };
  const denial = DENIED.exec(line)?.[0];
  if (denial !== undefined) return { kind: "denied", reason: denial };
  const [, server, reason] = UNREACHABLE.exec(line) ?? [];
  if (server === undefined || reason === undefined) return undefined;
  // The client's own port differs at every attempt; without it the same reason is the same text.
  return { kind: "server_unreachable", server, reason: reason.replace(/ \S+->\S+:/, ":").trim() };
}

const WRONG_KEY = /No installed keys could decrypt the message|keyring doesn't include key provided/;
const CONFLICTS = [
  /Node name conflicts with another node at (\S+):\d+\. /,
  /Node name \S+ is reserved by node \S+ with name \S+ \(([^)]+)\)/,
];
/** Coordinates are sent every half minute, so a client that may not register keeps saying so. */
const DENIED =
  /(?:Node info update|Service registration|Coordinate update) blocked by ACLs|rpc error making call: ACL not found/;
/** Both from one list item of a multi-line message. Newer versions put a bar before each line, and write its tab as `\t`. */
const UNREACHABLE = /^\s*(?:\| )?(?:\\t|\s)*\* Failed to (?:join|resolve) (\S+): (.+)/;
