/** What the running agent says: it looks all the time, and sees what a single look cannot. */
import { memorySchema } from "../../agent/memory.ts";
import { ExitCode, Misconfigured, Unavailable } from "../../base/errors.ts";
import type { Options } from "../../options.ts";
import type { State, Status } from "../../report/status.ts";
import { holderIn } from "../../state/lock.ts";
import { readState } from "../../state/store.ts";
import { type AgentAnswer, askAgent } from "../ask-agent.ts";
import { timeOf } from "../screen/moment.ts";
import { whereToLook } from "../status-away.ts";
import type { Inspection, Warning } from "./inspection.ts";

/** Its state, and each of its problems. */
export async function agentInspections({ config }: Options): Promise<readonly Inspection[]> {
  const answer = await askAgent(config);
  if (answer.kind !== "status") return [["agent", () => withoutStatus(answer, config)]];
  const { status } = answer;
  return [
    ["agent", () => stateIn(status)],
    ...status.problems.map(({ code, message, since }): Inspection => {
      const said = `${message} The agent has had this problem since ${timeOf(since, new Date())}.`;
      return [
        `problem ${code}`,
        () => ({ verdict: "FAIL", messages: [said], exitCode: ExitCode.unavailable }),
      ];
    }),
  ];
}

/** In these states nothing has to be done; anything that is still wrong is a problem of its own. */
const CALM: readonly State[] = ["starting", "applying", "converged"];

function stateIn({ node, state, reason }: Status): string | Warning {
  const text = `${node} is ${state}: ${reason}`;
  if (CALM.includes(state)) return text;
  return { warning: { where: "agent", what: text, cure: "See `mastodon-agent status`." } };
}

async function withoutStatus(
  { kind, url, reason }: Exclude<AgentAnswer, { kind: "status" }>,
  { paths, profile, http }: Options["config"],
): Promise<string | Warning> {
  const cure = whereToLook(profile);
  const holder = await holderIn(paths.state);
  if (holder !== undefined)
    throw new Unavailable({
      where: url,
      what: `the agent is running (pid ${holder.pid}), but ${reason}`,
      cure,
    });
  if (kind === "other")
    throw new Misconfigured({
      where: url,
      what: `no agent is running with this state, but something listens on port ${http.port}, so it could not start`,
      cure: "Stop that program, or set another address under http in the configuration file.",
    });
  const memory = await readState(paths.state, memorySchema);
  if (memory?.applied === undefined) return "none is running here, and none ever has";
  const what = "none is running here, so settings and failovers are not followed";
  return { warning: { where: "agent", what, cure } };
}
