import { Secret } from "../base/secret.ts";
import type { PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import type { Merged } from "../settings/merge.ts";
import { isSecretNamed, soundsSecret } from "../settings/slot.ts";
import { VARIABLES } from "../settings/variables.ts";
import type { Memory } from "./memory.ts";

/** Every secret that any source currently has, in force or not. */
export function secretsIn(merged: Merged, keys: PinnedKeys | undefined): readonly Secret[] {
  // Others that are in no table may be ordinary words, without which no message could be read.
  const variables = [...merged.variables].filter(([name]) => VARIABLES.has(name) || soundsSecret(name));
  const wishes = [...merged.settings.values(), ...variables.map(([, ranked]) => ranked)].flat();
  const values = wishes.map(({ value }) => value).filter((value) => value instanceof Secret);
  return [...values, ...(keys?.variables.values() ?? [])];
}

/** Those that need not be in any source: what units may still run with, and the token for Consul. */
export function secretsBeside(
  { connection }: Pick<Options, "connection">,
  memory: Memory,
): readonly Secret[] {
  const targets = Object.values(memory.targets).flatMap((target) =>
    Object.entries(target).map(([name, { value }]) => ({ name, value })),
  );
  const kept = memory.kv.map(({ key, value }) => ({ name: key.slice(key.lastIndexOf("/") + 1), value }));
  const values = [...targets, ...kept].filter(({ name }) => isSecretNamed(name)).map(({ value }) => value);
  const { token } = connection;
  return [...values.map((value) => new Secret(value)), ...(token === undefined ? [] : [token])];
}
