/** Where a command finds the jail's parameters, so that nobody has to name the file each time. */
import { existsSync } from "node:fs";
import type { EnvFiles } from "../sources/env-file.ts";
import { DEFAULT_CONFIG_FILE } from "./default-config-file.ts";
import { USUAL_ENVIRONMENT } from "./profiles.ts";
import type { Config } from "./schema.ts";

export interface Naming {
  /** The value of `--environment`. */
  readonly option: string | undefined;
  /** The value of `--config`. */
  readonly configFile: string | undefined;
  readonly config: Pick<Config, "environment" | "profile">;
}

/** The option takes precedence over the configuration, and that over the first of the profile's usual places that exists. */
export function environmentFiles(
  { option, configFile, config: { environment, profile } }: Naming,
  isThere: (file: string) => boolean = existsSync,
): EnvFiles {
  if (option !== undefined) return { read: [option], namedBy: "--environment", searched: [option] };
  if (environment !== undefined) {
    const namedBy = `\`environment\` in ${configFile ?? DEFAULT_CONFIG_FILE}`;
    return { read: environment, namedBy, searched: environment };
  }
  const searched = USUAL_ENVIRONMENT[profile];
  return { read: searched.filter(isThere).slice(0, 1), namedBy: `the profile ${profile}`, searched };
}
