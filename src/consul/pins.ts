/** The pins of one domain's keys in Consul's KV: `mastodon-agent/<DOMAIN>/keys/<key file>` holds its fingerprint. */
import { Unavailable } from "../base/errors.ts";
import { KEY_FILES } from "../keys/files.ts";
import type { PinStore } from "../keys/pins.ts";
import type { ConsulClient } from "./client.ts";
import { ConsulError } from "./errors.ts";

export function createPinStore(client: ConsulClient, domain: string): PinStore {
  const pathOf = (name: string) => `mastodon-agent/${domain}/keys/${name}`;
  return {
    // One by one: for a whole prefix Consul leaves out what the token may not see, for a single key it says so.
    read: async () => {
      const pins = await Promise.all(
        KEY_FILES.map(async ({ name }) => [name, await readPin(client, pathOf(name))] as const),
      );
      return new Map(pins.flatMap(([name, pin]) => (pin === undefined ? [] : [[name, pin] as const])));
    },
    create: (name, fingerprint) =>
      explained(pathOf(name), client.compareAndSet(pathOf(name), fingerprint, 0)),
    replace: (name, fingerprint) => explained(pathOf(name), client.put(pathOf(name), fingerprint)),
  };
}

async function readPin(client: ConsulClient, path: string): Promise<string | undefined> {
  const { signal } = new AbortController();
  const answer = await explained(path, client.kvKey(path, { index: 0n, waitMs: 0, signal }));
  if (answer.filtered || !answer.knownLeader) {
    const what = answer.filtered ? "the token may not read this pin" : "Consul has no leader";
    throw new Unavailable({ what, where: whereIs(path), cure: answer.filtered ? GRANT : AWAIT });
  }
  return answer.value?.value.toString("utf8").trim();
}

async function explained<Value>(path: string, answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ConsulError) || error.kind === "bug") throw error;
    const { kind, message } = error;
    throw new Unavailable(
      { what: message, where: whereIs(path), cure: kind === "denied" ? GRANT : AWAIT },
      { cause: error },
    );
  }
}

function whereIs(path: string): string {
  return `Consul KV ${path}`;
}

const GRANT = "Give the token the policy of packaging/consul-policy.hcl.";
const AWAIT =
  "Bring Consul back (try `consul members` and `consul operator raft list-peers`), then try again.";
