import { randomUUID } from "node:crypto";
import path from "node:path";
import { HOSTS, startAgent, type TestAgent } from "../../test/world/agent.ts";
import type { Contender, Ground } from "./contender.ts";

/** What users get. */
export const BUNDLE = path.join(import.meta.dirname, "..", "..", "dist", "cli.js");

/** As an installation has it; in `QUICK` nothing is waited for, as a peer without `wait` does. */
export const USUAL = { settle: {}, reload: { min_interval: "30s" } };
export const QUICK = { settle: { min: "0ms", max: "0ms" }, reload: { min_interval: "0ms" } };

export interface AgentContender extends Contender {
  readonly agent: TestAgent;
}

export interface AgentChoice {
  readonly name: string;
  readonly pace: object;
  /** Whether Redis is probed before a move. */
  readonly probe?: boolean;
  /** Whether a unit is there to be reloaded. */
  readonly hasUnit?: boolean;
  readonly logLevel?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The bundle, with one unit whose reload is a line in a file. */
export async function startAgentContender(
  { address }: Ground,
  { name, pace, probe = false, hasUnit = false, logLevel = "warn", environment = {} }: AgentChoice,
): Promise<AgentContender> {
  const prefix = `agent-${name.replaceAll(/\W+/g, "-")}`;
  const service = `${prefix}-redis`;
  const agent = await startAgent({
    consul: { address },
    // A site of its own: the keys of each domain are pinned in Consul.
    environment: { ...HOSTS, DOMAIN: `${randomUUID()}.example.org`, ...environment },
    logLevel,
    program: BUNDLE,
    config: {
      ...pace,
      watch: { prefix },
      dependencies: {
        postgres: { service: "", probe: false },
        redis: { service, probe, sentinel: { service: "" } },
        s3: { service: "", probe: false },
      },
      ...(hasUnit ? {} : { units: {} }),
    },
  });
  await agent.converged();
  return {
    name,
    agent,
    file: agent.envFile,
    line: (value) => `SMTP_PORT=${value}\n`,
    key: `${prefix}/settings/MAILPORT`,
    service,
    pid: agent.pid,
    reloads: async () => (await agent.reloads()).filter((unit) => unit === "web").length,
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}
