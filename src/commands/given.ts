import { type Options, readOptions } from "../options.ts";
import type { CommonFlags, Io } from "./io.ts";

/** The options as this process was given them. @throws Misconfigured */
export function optionsFrom({ config, envFile }: CommonFlags, { environment, templates }: Io): Options {
  return readOptions({ environment, envFile, configFile: config, templates });
}
