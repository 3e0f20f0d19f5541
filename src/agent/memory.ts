import * as z from "zod";
import { LEVELS } from "../settings/wish.ts";

const digests = z.strictObject({ reload: z.string(), restart: z.string() });

const endpoint = z.strictObject({
  host: z.string(),
  port: z.number(),
  scheme: z.string().exactOptional(),
  /** What the catalogue has instead of an operator's port or scheme. */
  registered: z.strictObject({ port: z.number(), scheme: z.string().exactOptional() }).exactOptional(),
  level: z.enum(LEVELS),
  /** Service ID, KV key or variable. */
  source: z.string(),
  /** ISO 8601 time of the apply that moved here. */
  since: z.string(),
});

/** Where a value comes from. */
const provenance = z.strictObject({
  level: z.enum(LEVELS),
  where: z.string(),
  index: z.number().exactOptional(),
});

const target = provenance.extend({ value: z.string() });

/** What the agent must not forget when it is stopped, killed or moved: the content of its state file. */
export const memorySchema = z.strictObject({
  version: z.literal(1),
  /** This node's identity in Consul, and the name it belongs to. */
  node: z.strictObject({ name: z.string(), id: z.string() }).exactOptional(),
  /** What each unit was last successfully started or reloaded with. */
  units: z.record(z.string(), digests),
  applied: z.strictObject({ digest: z.string(), at: z.string(), cause: z.string() }).exactOptional(),
  /** Digest of a desired state that was rolled back; it is not retried until it changes. */
  rejected: z.strictObject({ digest: z.string(), reason: z.string() }).exactOptional(),
  /** Digest of the desired state whose apply has begun. If an agent finds it when it starts, that apply was cut off. */
  intent: z.string().exactOptional(),
  /** Lines of the file that was there before the agent, by setting or variable, as long as no source has them. */
  carried: z.record(z.string(), z.string()).default({}),
  /** Digests of the files when this was written, by path. A file with another digest has changed since. */
  files: z.record(z.string(), z.string()).default({}),
  /** An operator's hold: since when the agent has seen it, why, and the keys that hold. */
  hold: z
    .strictObject({
      since: z.string(),
      reason: z.string(),
      keys: z.array(z.string()),
      modifyIndex: z.number(),
    })
    .exactOptional(),
  endpoints: z.record(z.string(), endpoint),
  /** The connections in force, by dependency and setting: what stays in use while a new one fails its probe. */
  targets: z.record(z.string(), z.record(z.string(), target)),
  /** The catalogue's list of sentinels that is in use; empty without one. */
  sentinels: z.string(),
  /** Endpoints that were moved away from, for the dwell rule. */
  left: z.array(
    z.strictObject({ dependency: z.string(), host: z.string(), port: z.number(), atMs: z.number() }),
  ),
  /** The KV entries of the last known good state: in force while Consul is away, and after a restart while a newer value is refused. */
  kv: z.array(z.strictObject({ key: z.string(), value: z.string(), modifyIndex: z.number() })),
  /** Folders of the certificates in use, by domain. */
  certificates: z.record(z.string(), z.string()).default({}),
  /** The database last seen to have what the code with these migrations needs; `isComplete`: those for later too. */
  database: z.strictObject({ place: z.string(), code: z.string(), isComplete: z.boolean() }).exactOptional(),
  /** Digest of the migrations that a unit's code knows, by unit, as it was last started or reloaded. */
  code: z.record(z.string(), z.string()).default({}),
  /**
   * The newest tokens of `control/reload` that were obeyed. An older version had them in one text, where they cannot be
   * told apart; then what is in KV counts as new.
   */
  reload: z.preprocess(
    (value) => (typeof value === "string" ? {} : value),
    z.strictObject({ shared: z.string().exactOptional(), node: z.string().exactOptional() }),
  ),
  /**
   * Each setting and variable in force: digest of its value, ISO 8601 time since when it has had it, the value unless it is
   * secret, and where it came from (an older version did not note that).
   */
  since: z.record(
    z.string(),
    z.strictObject({
      digest: z.string(),
      at: z.string(),
      shown: z.string().exactOptional(),
      from: provenance.exactOptional(),
    }),
  ),
});

export type Memory = z.infer<typeof memorySchema>;

export const NO_MEMORY: Memory = {
  version: 1,
  units: {},
  carried: {},
  files: {},
  endpoints: {},
  targets: {},
  sentinels: "",
  left: [],
  kv: [],
  certificates: {},
  code: {},
  reload: {},
  since: {},
};
