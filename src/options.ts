import path from "node:path";
import type { FileSpec, UnitSpec } from "./apply/config.ts";
import { Misconfigured } from "./base/errors.ts";
import { reveal, Secret } from "./base/secret.ts";
import type { ConsulConnection } from "./consul/create-client.ts";
import { readConfig } from "./options/config-file.ts";
import { readConnection } from "./options/connection.ts";
import { DEFAULT_CONFIG_FILE } from "./options/default-config-file.ts";
import { environmentFiles } from "./options/environment-files.ts";
import { type NginxHere, nginxHere } from "./options/nginx.ts";
import type { Config } from "./options/schema.ts";
import { loadTemplate, type TemplatedFile } from "./options/templates.ts";
import { type OwnVariables, ownVariables } from "./settings/own-variables.ts";
import type { SettingName } from "./settings/schema.ts";
import { type Layer, NO_WISHES, type Wish } from "./settings/wish.ts";
import { type GivenVariables, withEnvFiles } from "./sources/env-file.ts";
import { type Environment, readEnvironment } from "./sources/environment.ts";

/** What was given at the start, checked and complete: made once, passed down, never changed. */
export interface Options {
  readonly config: Config;
  /** The jail's initial settings. */
  readonly environment: Layer;
  /** The files it was read from, besides the process environment. */
  readonly environmentFiles: readonly string[];
  /** Variables that are paths on this machine. */
  readonly machine: Layer;
  /** Variables that only this Mastodon knows. */
  readonly own: OwnVariables;
  /** This node's name in Consul. */
  readonly node: string;
  readonly gossipKey: Secret;
  readonly connection: ConsulConnection;
  /** The files that depend on settings. */
  readonly files: readonly TemplatedFile[];
  /**
   * The Consul client's configuration: written before anything is known from Consul; undefined if the agent does not
   * write it.
   */
  readonly clientFile: TemplatedFile | undefined;
  readonly units: readonly UnitSpec[];
  /** Asked when a file is rendered: most commands render none, and need not start nginx for it. */
  readonly nginx: () => NginxHere;
}

export interface Given {
  readonly environment: Environment;
  /**
   * The value of `--environment`; undefined: the configuration's, or the profile's. The process environment takes
   * precedence.
   */
  readonly envFile?: string | undefined;
  /** The value of `--config`. */
  readonly configFile: string | undefined;
  /** Where the agent's own templates are. */
  readonly templates: string;
}

/** @throws Misconfigured for whatever is wrong in the environment or its file, the configuration file or a template */
export function readOptions(given: Given): Options {
  const { configFile, templates } = given;
  const config = readConfig(configFile);
  const variables = variablesOf(given, config);
  const layer = readEnvironment(variables.environment, variables);
  const places = { own: path.dirname(configFile ?? DEFAULT_CONFIG_FILE), builtIn: templates };
  const clientFile = clientFileOf(config);
  const { consul: _, ...entries } = config.files;
  const files = named(entries).map((spec) => loadTemplate(spec, places));
  return Object.freeze({
    config,
    environment: layer,
    environmentFiles: variables.read,
    machine: machineLayer(config),
    own: ownOf(config),
    node: textOf(layer, "NODENAME"),
    gossipKey: new Secret(textOf(layer, "GOSSIPKEY")),
    connection: readConnection(variables.environment, config.consul.address),
    files,
    nginx: nginxHere(files),
    clientFile: clientFile && loadTemplate(clientFile, places),
    units: named(config.units).filter(({ name }) => name !== "consul" || config.consul.agent === "unit"),
  });
}

/** All variables, as they are given. @throws Misconfigured for a file that cannot be used */
export function readVariables(given: Given): Environment {
  return variablesOf(given, readConfig(given.configFile)).environment;
}

function variablesOf({ environment, envFile, configFile }: Given, config: Config): GivenVariables {
  return withEnvFiles(environment, environmentFiles({ option: envFile, configFile, config }));
}

function machineLayer({ profile, variables }: Config): Layer {
  const where = `variables of the configuration file or the profile ${profile}`;
  return {
    ...NO_WISHES,
    variables: new Map(
      Object.entries(variables).flatMap(([name, value]): [string, Wish][] =>
        typeof value === "string" ? [[name, { level: "default", value, where }]] : [],
      ),
    ),
  };
}

function ownOf({ variables }: Config): OwnVariables {
  return ownVariables(
    Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) =>
        typeof value === "string" ? [] : [[name, value]],
      ),
    ),
  );
}

/** `files.consul` may say otherwise; without it the `consul` block has everything needed. */
function clientFileOf({ consul, files }: Config): FileSpec | undefined {
  if (consul.agent === "external") return undefined;
  const { owner, group } = consul;
  const usual = {
    template: "consul.json.hbs",
    path: consul.config_file,
    mode: "0600",
    check: [consul.binary, "validate", "-config-format=json", "{file}"],
    ...(consul.agent === "unit" && { owner, group, units: ["consul"] }),
  };
  return { name: "consul", ...(files["consul"] ?? usual) };
}

function named<Entry>(entries: Readonly<Record<string, Entry>>): (Entry & { readonly name: string })[] {
  return Object.entries(entries).map(([name, entry]) => ({ ...entry, name }));
}

function textOf({ settings }: Layer, name: SettingName): string {
  const value = settings.get(name)?.value;
  if (value !== undefined) return reveal(value);
  throw new Misconfigured({ where: name, what: "not set", cure: `Set ${name} in the environment.` });
}
