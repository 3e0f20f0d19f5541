import type { KeyStorage } from "../keys/load.ts";
import type { Options } from "../options.ts";
import { ENV_TEMPLATE } from "./desired.ts";

/** Where the keys are, and the file whose keys Mastodon runs with. */
export function keyStorageOf({ config, files }: Options): KeyStorage {
  const envFile = files.find(({ spec }) => spec.name === "env" || spec.template === ENV_TEMPLATE);
  return {
    directory: config.paths.keys,
    requireMount: config.keys.require_mount,
    liveEnvFile: envFile?.spec.path,
  };
}
