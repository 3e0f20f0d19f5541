import { keyStorageOf } from "../agent/key-storage.ts";
import type { ExitCode } from "../base/errors.ts";
import { createConsulClient } from "../consul/create-client.ts";
import { createPinStore } from "../consul/pins.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { type KeysContext, keysAdopt, keysInit, keysShow, keysVerify } from "./keys.ts";

const KEYS_COMMANDS = {
  init: keysInit,
  show: keysShow,
  verify: keysVerify,
  adopt: keysAdopt,
} satisfies Record<string, (context: KeysContext) => Promise<ExitCode>>;

export type KeysFlags = CommonFlags & { readonly json?: boolean };

/** Gives the keys commands their storage, and the pins of this node's domain if the domain is known. */
export async function keys(name: keyof typeof KEYS_COMMANDS, flags: KeysFlags, io: Io): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const domain = options.environment.settings.get("DOMAIN")?.value;
  const pins =
    typeof domain === "string" ? createPinStore(createConsulClient(options.connection), domain) : undefined;
  return KEYS_COMMANDS[name]({
    storage: keyStorageOf(options),
    pins,
    json: flags.json === true,
    out: io.out,
  });
}
