import { addressOf } from "../base/address.ts";
import { codeOf } from "../base/errors.ts";
import type { Config } from "../options/schema.ts";
import { type Status, statusSchema } from "../report/status.ts";

const ANSWER_TIMEOUT_MS = 5000;

export type AgentAnswer =
  | { readonly kind: "status"; readonly url: string; readonly status: Status }
  /** `nobody`: nothing listens there; `other`: something does, but not with such an answer. */
  | { readonly kind: "nobody" | "other"; readonly url: string; readonly reason: string };

/** Asks the agent on this machine, at the address in the configuration. */
export async function askAgent({ http }: Pick<Config, "http">, ending?: AbortSignal): Promise<AgentAnswer> {
  const url = `http://${addressOf(http)}/status`;
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const signal = ending === undefined ? timeout : AbortSignal.any([timeout, ending]);
    const status = statusSchema.parse(await (await fetch(url, { signal })).json());
    return { kind: "status", url, status };
  } catch (error) {
    return { url, ...noStatus(error) };
  }
}

/** Node says of a request only that it failed; why stands in the cause. */
function noStatus(error: unknown): Pick<Exclude<AgentAnswer, { kind: "status" }>, "kind" | "reason"> {
  if (error instanceof Error && error.name === "TimeoutError")
    return { kind: "other", reason: `the agent does not answer within ${ANSWER_TIMEOUT_MS / 1000} s` };
  const cause = error instanceof Error ? codeOf(error.cause) : undefined;
  if (cause === undefined)
    return { kind: "other", reason: "what answers there is not an agent of this version" };
  const kind = cause === "ECONNREFUSED" ? "nobody" : "other";
  return { kind, reason: `no agent answers there (${cause})` };
}
