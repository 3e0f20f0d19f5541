import { Secret } from "../base/secret.ts";
import type { PinnedKeys } from "../keys/load.ts";
import type { Options } from "../options.ts";
import type { Merged } from "../settings/merge.ts";
import { isSecretNamed, soundsSecret } from "../settings/slot.ts";
import { VARIABLES } from "../settings/variables.ts";
import type { Memory } from "./memory.ts";

/** Every secret that any source currently has, in force or not. */
export function secretsIn(merged: Merged, keys: PinnedKeys | undefined): readonly Secret[] {
  const variables = [...merged.variables].flatMap(([name, ranked]) =>
    // In somebody's file those that are in no table may be ordinary words, without which no message could be read.
    VARIABLES.has(name) || soundsSecret(name) ? ranked : ranked.filter(({ level }) => level !== "live file"),
  );
  const wishes = [...[...merged.settings.values()].flat(), ...variables];
  const values = wishes.map(({ value }) => value).filter((value) => value instanceof Secret);
  return [...values, ...(keys?.variables.values() ?? [])];
}

/** Those that need not be in any source: what units may still run with, and the token for Consul. */
export function secretsBeside(
  { connection, own }: Pick<Options, "connection" | "own">,
  memory: Memory,
): readonly Secret[] {
  const targets = Object.values(memory.targets).flatMap((target) =>
    Object.entries(target).map(([name, { value }]) => ({ name, value })),
  );
  const kept = memory.kv.map(({ key, value }) => ({ name: key.slice(key.lastIndexOf("/") + 1), value }));
  const values = [...targets, ...kept]
    .filter(({ name }) => own.get(name)?.secret ?? isSecretNamed(name))
    .map(({ value }) => value);
  const { token } = connection;
  return [...values.map((value) => new Secret(value)), ...(token === undefined ? [] : [token])];
}
