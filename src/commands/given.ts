import { type Options, readOptions } from "../options.ts";
import type { CommonFlags, Io } from "./io.ts";

/** The options as this process was given them. @throws Misconfigured */
export function optionsFrom(flags: CommonFlags, { environment, templates }: Io): Options {
  return readOptions({ environment, envFile: envFileOf(flags), configFile: flags.config, templates });
}

/** The value of `--environment`, under whichever name it was given. */
export function envFileOf({ environment, envFile }: CommonFlags): string | undefined {
  return environment ?? envFile;
}
