/** Whether the token may do what the agent needs. It asks instead of trying: nothing changes. */
import { patroniScope, serviceNames } from "../../agent/services.ts";
import { Unavailable } from "../../base/errors.ts";
import { reveal } from "../../base/secret.ts";
import { type Authorization, authorize, type Permission } from "../../consul/authorize.ts";
import type { Options } from "../../options.ts";
import type { Look } from "../look.ts";
import type { Inspection, Warning } from "./inspection.ts";

/** What is needed, and for what. */
type Need = Permission & { readonly purpose: string };

export async function aclInspections(options: Options, seen: Look): Promise<readonly Inspection[]> {
  const needs = needsOf(options, seen);
  const answer = await authorize(options.connection, needs);
  if (answer.kind !== "told") return [["acl", () => withoutDetails(answer)]];
  return needs.map((need, at) => [`acl ${need.purpose}`, () => permitted(need, answer.allowed[at] === true)]);
}

function needsOf(options: Options, { evaluation }: Look): readonly Need[] {
  const { config, node } = options;
  const domain = evaluation.merged.settings.get("DOMAIN")?.[0].value;
  const own = `mastodon-agent/${domain === undefined ? "" : `${reveal(domain)}/`}`;
  const patroni = patroniScope(options);
  const services = [...new Set(Object.values(serviceNames(options)))].filter((service) => service !== "");
  return [
    need("settings", "key", "read", `${config.watch.prefix}/`),
    need("pinned keys", "key", "write", `${own}keys`),
    ...(patroni === undefined
      ? []
      : [need("Patroni's leader", "key", "read", `${patroni.namespace}/${patroni.scope}/leader`)]),
    ...services.map((service) => need(`service ${service}`, "service", "read", service)),
    need("nodes", "node", "read", node),
    ...(config.reload.fleet_lock
      ? [need("fleet lock", "key", "write", `${own}lock`), need("sessions", "session", "write", node)]
      : []),
    ...(config.consul.agent === "external"
      ? []
      : [
          need("this node", "node", "write", node),
          need("its services", "service", "write", "mastodon"),
          need("the agent's service", "service", "write", "mastodon-agent"),
        ]),
  ];
}

function need(
  purpose: string,
  resource: Permission["resource"],
  access: Permission["access"],
  segment: string,
): Need {
  return { purpose, resource, access, segment };
}

function permitted({ resource, access, segment }: Need, isAllowed: boolean): string {
  if (isAllowed) return `may ${access} ${resource} ${segment}`;
  throw new Unavailable({
    where: "ACL token",
    what: `it may not ${access} ${resource} ${segment}`,
    cure: "Give it the policy (and the node identity) of packaging/consul-policy.hcl.",
  });
}

function withoutDetails(answer: Exclude<Authorization, { kind: "told" }>): string | Warning {
  switch (answer.kind) {
    case "open":
      return "ACLs are off in this Consul: nothing is forbidden";
    case "unknown token":
      throw new Unavailable({
        where: "ACL token",
        what: `Consul does not know it: ${answer.reason}`,
        cure: "Correct CONSUL_HTTP_TOKEN, or the file that CONSUL_HTTP_TOKEN_FILE names.",
      });
    case "silent":
      return {
        warning: {
          where: "ACL token",
          what: `this Consul does not say what it may do (${answer.reason}); reading the settings was tried; writing (pinned keys, sessions, fleet lock) was not`,
          cure: "Compare its policy with packaging/consul-policy.hcl.",
        },
      };
  }
}
