import type { Inputs, Rules } from "../../src/agent/evaluate.ts";
import type { Memory } from "../../src/agent/memory.ts";
import { NO_LEADER } from "../../src/settings/leader.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { NO_WISHES } from "../../src/settings/wish.ts";
import { readEnvironment } from "../../src/sources/environment.ts";
import { HOSTS, JAIL } from "../world/agent.ts";

/** What a round looks at where nothing but KV and memory have anything to say. */
export function inputsOf(kv: Record<string, string>, memory: Memory): Inputs {
  const entries = Object.entries(kv).map(([key, value]) => ({
    key,
    value: Buffer.from(value),
    modifyIndex: 7,
  }));
  return { ...NOTHING_SEEN, kv: entries, accepted: memory.kv, memory };
}

export const RULES: Rules = {
  prefix: "mastodon",
  node: "jail1",
  environment: readEnvironment({ ...JAIL, ...HOSTS }),
  machine: NO_WISHES,
  own: NO_OWN_VARIABLES,
  carries: true,
  liveFile: "/mastodon/.env.production",
  dwellMs: 0,
  files: [],
  units: ["web"],
  sentinelMaster: "mymaster",
  probed: [],
};

const NOTHING_SEEN: Omit<Inputs, "kv" | "accepted" | "memory"> = {
  catalogue: new Map(),
  sentinels: [],
  leader: NO_LEADER,
  verdicts: new Map(),
  candidateTimes: new Map(),
  keys: new Map(),
  facts: {},
  certificates: new Map(),
  goodCertificates: new Map(),
  nowMs: 0,
};
