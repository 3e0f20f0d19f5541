import path from "node:path";
import * as z from "zod";
import { bracketed } from "../base/address.ts";
import { reveal } from "../base/secret.ts";
import { findCertificate } from "../certificates/certificate.ts";
import { issuedCertificates } from "../certificates/shelf.ts";
import type { Options } from "../options.ts";
import { type Group, isGroup, type Tree } from "../render/tree.ts";
import { entriesOf } from "../state/entries.ts";

/** The names in templates that come from the configuration file: they stay the same for the agent's whole life. */
export function configuredFacts({ config, connection, environment, nginx }: Options) {
  const { hostname, port, protocol } = new URL(config.consul.address);
  const usualPort = protocol === "https:" ? "443" : "80";
  const ip = textOf(environment.settings.get("IP")?.value);
  return {
    ...config.values,
    nginx: { ...nginxFacts(nginx()), ...groupOf(config.values["nginx"]) },
    paths: { acme: acmeWebroot({ config }), ...config.paths },
    consul: {
      client_addr: hostname.replace(/^\[|\]$/g, ""),
      http_port: port || usualPort,
      data_dir: config.consul.data_dir,
      servers: textOf(environment.settings.get("CONSULSERVERS")?.value).split(","),
      token: connection.token,
      /** Only for the client's configuration. */
      node_id: undefined,
      check_host: bracketed(ip),
      site_port: String(sitePort(config)),
      also: {
        mastodon: config.announce.also.includes("mastodon") ? "yes" : undefined,
        node_exporter: config.announce.also.includes("node-exporter") ? "yes" : undefined,
      },
    },
  };
}

function nginxFacts({ hasHttp2Directive, resolver, hosts }: ReturnType<Options["nginx"]>) {
  return { http2: hasHttp2Directive ? "on" : undefined, resolver, hosts };
}

function groupOf(value: Tree): Group {
  return isGroup(value) ? value : {};
}

/** Where nginx serves the site by TLS: the first of `values.nginx.https`. */
export function sitePort({ values }: Options["config"]): number {
  const [first = ""] = nginxValues.safeParse(values).data?.nginx.https ?? [];
  return Number(/(?:^|:)(\d+)(?=\s|$)/.exec(first)?.[1] ?? 443);
}

/** As the shipped template wants them; an operator's own may want others. */
const nginxValues = z.object({ nginx: z.object({ https: z.array(z.string()) }) });

/** From where nginx answers challenges. */
export function acmeWebroot({ config }: Pick<Options, "config">): string {
  return path.join(config.paths.certificates, "acme");
}

/**
 * Domains that have a certificate, with the folder of its `fullchain.pem` and `privkey.pem`: an operator's own takes
 * precedence over an issued one, unless nginx could not load it. nginx cannot start with a missing certificate, so
 * templates ask first.
 */
export async function certifiedDomains({ config }: Options): Promise<ReadonlyMap<string, string>> {
  const issued = await issuedCertificates(config.certificates.storage);
  const own = await ownCertificates(config.paths.certificates);
  return new Map([...[...issued].map(([domain, { folder }]) => [domain, folder] as const), ...own]);
}

async function ownCertificates(home: string): Promise<ReadonlyMap<string, string>> {
  const domains = new Map<string, string>();
  for (const domain of entriesOf(home)) {
    const folder = path.join(home, domain);
    if (await isLoadable(folder, domain)) domains.set(domain, folder);
  }
  return domains;
}

/** Whether nginx can come up with what is in a folder, as far as anybody knows. */
export async function isLoadable(folder: string, domain: string): Promise<boolean> {
  const found = await findCertificate(folder, domain);
  return found.kind === "good" || (found.kind === "bad" && found.isLoadable);
}

function textOf(value: Parameters<typeof reveal>[0] | undefined): string {
  return value === undefined ? "" : reveal(value);
}
