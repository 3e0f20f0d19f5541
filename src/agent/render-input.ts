import { reveal, type Secret } from "../base/secret.ts";
import { type Group, isGroup, isList, type RenderInput, type Tree } from "../render/tree.ts";
import { exportable } from "../settings/carried.ts";
import { DEPENDENCY_NAMES, type Endpoint } from "../settings/dependencies.ts";
import { bucketUrl, deriveEndpoint, endpointUrl } from "../settings/derive.ts";
import type { Merged } from "../settings/merge.ts";
import { NO_OWN_VARIABLES, type OwnVariables } from "../settings/own-variables.ts";
import { SETTING_NAMES, type SettingName } from "../settings/schema.ts";
import type { Reader } from "../settings/variable.ts";
import { isInEnvFile, VARIABLE_NAMES, VARIABLES } from "../settings/variables.ts";

type Variables = ReadonlyMap<string, string | Secret>;

/** Names that come from the configuration file rather than from a source: paths, Consul's own facts. */
export type Facts = Readonly<Record<string, Tree>>;

/** Everything that a template may name. See docs/templates.md. @param certificates folders by domain */
export function renderInput(
  merged: Merged,
  variables: Variables,
  facts: Facts,
  certificates: ReadonlyMap<string, string>,
  own: OwnVariables = NO_OWN_VARIABLES,
): RenderInput {
  const exported = exportable(variables, merged);
  return {
    ...facts,
    ...Object.fromEntries(
      [...CERTIFIED].map(([name, settings]) => [name, certificateOf(settings, merged, certificates)?.folder]),
    ),
    ...Object.fromEntries(SETTING_NAMES.map((name) => [name, merged.settings.get(name)?.[0].value])),
    ...Object.fromEntries(DEPENDENCY_NAMES.map((name) => [name, endpointTree(deriveEndpoint(name, merged))])),
    s3: { ...endpointTree(deriveEndpoint("s3", merged)), ...bucketTree(merged, facts) },
    env: Object.fromEntries([...VARIABLE_NAMES, ...own.keys()].map((name) => [name, variables.get(name)])),
    variables: listed(variables, [...variables.keys()].filter(isInEnvFile)),
    process: {
      web: listed(exported, PROCESS_NAMES.web),
      sidekiq: listed(exported, PROCESS_NAMES.sidekiq),
      streaming: [],
    },
  };
}

/** The template names for certificate folders, and the settings whose value each is for: the first that is known. */
export const CERTIFIED: ReadonlyMap<string, readonly SettingName[]> = new Map([
  ["certificate", ["WEBDOMAIN", "DOMAIN"]],
  ["media_certificate", ["BUCKETALIAS"]],
]);

function certificateOf(
  settings: readonly SettingName[],
  merged: Merged,
  certificates: ReadonlyMap<string, string>,
): { readonly domain: string; readonly folder: string } | undefined {
  const domains = settings.flatMap((name) => settingText(merged, name) ?? []);
  const domain = domains.find((each) => certificates.has(each));
  const folder = domain && certificates.get(domain);
  return domain === undefined || folder === undefined ? undefined : { domain, folder };
}

/** The certificates given to templates: folders by domain. */
export function certificatesInUse(
  merged: Merged,
  certificates: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const used = [...CERTIFIED.values()].flatMap(
    (settings) => certificateOf(settings, merged, certificates) ?? [],
  );
  return Object.fromEntries(used.map(({ domain, folder }) => [domain, folder]));
}

/** The text of a setting that is in force. */
export function settingText({ settings }: Merged, name: SettingName): string | undefined {
  const value = settings.get(name)?.[0].value;
  return value === undefined ? undefined : reveal(value);
}

/** Empty while it is not known. */
export function domainOf(merged: Merged): string {
  return settingText(merged, "DOMAIN") ?? "";
}

function endpointTree(endpoint: Endpoint | undefined): Readonly<Record<string, Tree>> {
  return {
    host: endpoint?.host,
    port: endpoint && String(endpoint.port),
    scheme: endpoint?.scheme,
    url: endpoint?.scheme === undefined ? undefined : endpointUrl(endpoint),
  };
}

/** Where the bucket's objects are, for nginx: as a whole and in parts, and whether nginx may look the name up itself. */
function bucketTree(merged: Merged, { nginx }: Facts): Group {
  const bucket_url = bucketUrl(merged);
  const url = bucket_url === undefined ? undefined : new URL(bucket_url);
  return {
    bucket_url,
    bucket_origin: url?.origin,
    bucket_path: url?.pathname.replace(/\/$/, ""),
    by_name: url !== undefined && isGroup(nginx) && isLookedUp(url.hostname, nginx) ? "yes" : undefined,
  };
}

/** An address needs no look-up. DNS does not know a name of /etc/hosts, nor a short one that the machine completes. */
function isLookedUp(name: string, { resolver, hosts }: Group): boolean {
  const isKnownHere = isList(hosts) && hosts.includes(name);
  return isList(resolver) && resolver.length > 0 && /\.[a-z][^.]*$/.test(name) && !isKnownHere;
}

/** What a unit must find in its process environment, because it reads it before dotenv. */
const PROCESS_NAMES = { web: readInProcessBy("web"), sidekiq: readInProcessBy("sidekiq") };

function readInProcessBy(unit: Reader): readonly string[] {
  return VARIABLE_NAMES.filter((name) => VARIABLES.get(name)?.processReaders.includes(unit));
}

/** Those of the names that have a value. */
function listed(variables: Variables, names: readonly string[]): Tree {
  return names.flatMap((name) => {
    const value = variables.get(name);
    return value === undefined ? [] : [{ name, value }];
  });
}
