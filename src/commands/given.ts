import { type Given, type Options, readOptions, readVariables } from "../options.ts";
import type { Environment } from "../sources/environment.ts";
import type { CommonFlags, Io } from "./io.ts";

/** This process's options. @throws Misconfigured */
export function optionsFrom(flags: CommonFlags, io: Io): Options {
  return readOptions(given(flags, io));
}

/** This process's variables, settings or not. @throws Misconfigured */
export function variablesFrom(flags: CommonFlags, io: Io): Environment {
  return readVariables(given(flags, io));
}

function given({ config, environment: file, envFile = file }: CommonFlags, io: Io): Given {
  return { environment: io.environment, envFile, configFile: config, templates: io.templates };
}
