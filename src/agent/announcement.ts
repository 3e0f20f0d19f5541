import type { Health, UnitSpec } from "../apply/config.ts";
import { bracketed } from "../base/address.ts";
import { visible } from "../base/visible.ts";
import type { CheckState, WantedCheck, WantedService } from "../consul/announce.ts";
import type { Options } from "../options.ts";
import type { State } from "../report/status.ts";
import { READERS } from "../settings/variable.ts";
import { sitePort } from "./facts.ts";
import type { Headline } from "./headline.ts";
import type { UnitHealth } from "./unit-watch.ts";

export interface AnnouncedFacts {
  readonly options: Options;
  readonly version: string;
  readonly headline: Headline;
  readonly unitHealth: ReadonlyMap<string, UnitHealth>;
  /** The agent has only just started: what it does not know yet it will know in a moment. */
  readonly isYoung: boolean;
}

/** What the agent registers in Consul: itself and Mastodon's services. Pure. */
export function announcementOf(facts: AnnouncedFacts): readonly WantedService[] {
  const { options } = facts;
  if (!options.config.announce.enabled) return [];
  const units = READERS.flatMap((name) => options.units.filter((unit) => unit.name === name));
  return [
    ownService(facts),
    ...units.flatMap((unit) => unitService(unit, facts)),
    ...(isLeftToUs(options.config) ? [siteService(facts)] : []),
  ];
}

/** Elsewhere the site is registered by the client's configuration, which the agent writes. */
function isLeftToUs({ consul, announce }: Options["config"]): boolean {
  return consul.agent === "external" && announce.also.includes("mastodon");
}

/** The same, as a stopping agent leaves it behind. */
export function farewellOf(facts: AnnouncedFacts): readonly WantedService[] {
  const state: CheckState = { status: "warning", output: "agent stopped" };
  return announcementOf(facts).map((service) => ({
    ...service,
    checks: service.checks.map((check) => (check.kind === "ttl" ? { ...check, state } : check)),
  }));
}

/** Only what is critical wakes people up; a hold or an endpoint that stays is merely for the operator to know. */
const STATUS = {
  starting: "passing",
  applying: "passing",
  converged: "passing",
  waiting: "warning",
  held: "warning",
  degraded: "warning",
  disconnected: "warning",
  failed: "critical",
} as const satisfies Record<State, CheckState["status"]>;

const LONGEST_OUTPUT = 500;

function ownService(facts: AnnouncedFacts): WantedService {
  const { options, version, headline, isYoung } = facts;
  const { announce, http } = options.config;
  const { state, reason } = headline;
  return {
    ...registration(announce.service, http.port, facts),
    meta: { version },
    checks: [
      {
        kind: "ttl",
        name: "state",
        ttlMs: announce.ttl,
        state: {
          status: STATUS[state],
          output: visible(`${state}: ${reason}`, LONGEST_OUTPUT),
          isUnknown: isYoung && state === "starting",
          isPrompt: state !== "starting" && state !== "applying",
        },
      },
    ],
  };
}

/** There is nothing to report about a unit without a health check. */
function unitService({ name, health }: UnitSpec, facts: AnnouncedFacts): readonly WantedService[] {
  if (health === undefined) return [];
  const port = "http" in health ? portOf(health.http) : "tcp" in health ? portOf(`tcp://${health.tcp}`) : 0;
  return [{ ...registration(`mastodon-${name}`, port, facts), checks: [unitCheck(name, health, facts)] }];
}

/** Consul checks for itself where it can; what only this node can see is reported to it. */
function unitCheck(
  name: string,
  health: Health,
  { options, unitHealth, isYoung }: AnnouncedFacts,
): WantedCheck {
  const checkName = `${name} is healthy`;
  if ("http" in health) return { kind: "http", name: checkName, target: health.http };
  if ("tcp" in health) return { kind: "tcp", name: checkName, target: health.tcp };
  return {
    kind: "ttl",
    name: checkName,
    ttlMs: options.config.announce.ttl,
    state: told(unitHealth.get(name), isYoung),
  };
}

function told(health: UnitHealth | undefined, isYoung: boolean): CheckState {
  if (health === undefined) return { status: "warning", output: "not checked yet", isUnknown: isYoung };
  if (health.healthy) return { status: "passing", output: "healthy" };
  return { status: "critical", output: visible(health.reason, LONGEST_OUTPUT) };
}

/** The site itself, as in the client's configuration if the agent writes that. */
function siteService(facts: AnnouncedFacts): WantedService {
  const { environment, units } = facts.options;
  const web = units.find(({ name }) => name === "web")?.health;
  const ip = String(environment.settings.get("IP")?.value);
  return {
    ...registration("mastodon", sitePort(facts.options.config), facts),
    yields: true,
    checks: [
      { kind: "tcp", name: "nginx listens", target: `${bracketed(ip)}:${sitePort(facts.options.config)}` },
      ...(web !== undefined && "http" in web
        ? [{ kind: "http", name: "web is healthy", target: web.http } as const]
        : []),
    ],
  };
}

/** With the tags that Prometheus relabels on. */
function registration(name: string, port: number, { options }: AnnouncedFacts) {
  const { node, environment } = options;
  return {
    id: `${name}-${node}`,
    name,
    address: String(environment.settings.get("IP")?.value),
    port,
    tags: ["_app=mastodon", `_service=${name}`, `_hostname=${node}`],
    meta: {},
  };
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return Number(port || (protocol === "https:" ? 443 : 80));
}
