import { setTimeout as sleep } from "node:timers/promises";
import { Bell } from "../base/bell.ts";
import { messageOf } from "../base/errors.ts";
import type { ConsulClient } from "../consul/client.ts";
import { ConsulError } from "../consul/errors.ts";
import type { Notice } from "../report/notice.ts";
import { type Complaining, type Problems, problemOf } from "../report/problems.ts";
import { lastingPart, type Status } from "../report/status.ts";

const DISTANCE_MS = 10_000;
/** A fleet's documents must not burden the servers; Consul's own limit is 512 KB. */
const LONGEST_BYTES = 100_000;

export interface StatusDocumentOptions {
  readonly client: Pick<ConsulClient, "kvKey" | "put">;
  /** Undefined while it is not known. */
  readonly domain: () => string | undefined;
  readonly status: () => Status;
  readonly notice: Notice;
  readonly problems: Problems;
  readonly distanceMs?: number;
}

/**
 * Keeps `mastodon-agent/<DOMAIN>/status/<node>` in Consul's KV as the status is. Written only when something other than
 * an age has changed, at most every ten seconds, and the last state always: idle agents write nothing.
 */
export async function publishStatus(options: StatusDocumentOptions, signal: AbortSignal): Promise<void> {
  const { client, domain, status, notice, problems, distanceMs = DISTANCE_MS } = options;
  const bell = new Bell();
  const unsubscribe = notice.subscribe(() => bell.ring());
  let last = "";
  while (!signal.aborted) {
    await bell.wait(undefined, 0, signal);
    const seen = status();
    const site = domain();
    // The states of a start are not news.
    if (signal.aborted || site === undefined || seen.state === "starting") continue;
    const key = `mastodon-agent/${site}/status/${seen.node}`;
    const text = documentOf(seen);
    if (`${key}\n${text}` === last) continue;
    try {
      const isWritten = await write(client, key, text, signal);
      last = `${key}\n${text}`;
      problems.replace("status_document", []);
      if (!isWritten) continue;
    } catch (error) {
      if (signal.aborted) break;
      problems.replace("status_document", complaints(key, error));
      bell.ring();
    }
    await sleep(distanceMs, undefined, { signal }).catch(() => {});
  }
  unsubscribe();
}

/** The status without what changes by itself, and without its longest parts if it would be too long. */
export function documentOf(status: Status): string {
  const { settings, ...lasting } = lastingPart(status);
  const inForce = settings.map((setting) => ({ ...setting, values: setting.values.slice(0, 1) }));
  const endpoints = Object.entries(lasting.endpoints).map(([name, { candidates: _, ...rest }]) => [
    name,
    rest,
  ]);
  const short = { ...lasting, endpoints: Object.fromEntries(endpoints) };
  const { version, node, state, reason, since } = status;
  const least = { version, node, state, reason, since };
  for (const document of [{ ...lasting, settings }, { ...lasting, settings: inForce }, lasting, short]) {
    const text = asText(document);
    if (Buffer.byteLength(text) < LONGEST_BYTES) return text;
  }
  return asText(least);
}

function asText(document: object): string {
  return JSON.stringify(document, undefined, 2);
}

/** @returns false if it is already there */
async function write(
  client: StatusDocumentOptions["client"],
  key: string,
  text: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { value } = await client.kvKey(key, { index: 0n, waitMs: 0, signal });
  if (value?.value.toString("utf8") === text) return false;
  await client.put(key, text, signal);
  return true;
}

function complaints(key: string, error: unknown): readonly Complaining[] {
  if (!(error instanceof ConsulError) || error.kind !== "denied") return [];
  const what = `the status cannot be written there (${messageOf(error)})`;
  const cure = "Give the token the policy of packaging/consul-policy.hcl, or set announce.status to false.";
  return [problemOf("announce_denied", { where: `Consul KV ${key}`, what, cure })];
}
