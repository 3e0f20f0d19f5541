import { addressOf } from "../base/address.ts";
import { codeOf, ExitCode, Unavailable } from "../base/errors.ts";
import { readConfig } from "../options/config-file.ts";
import type { Config } from "../options/schema.ts";
import { type Status, statusSchema } from "../report/status.ts";
import type { CommonFlags, Io } from "./io.ts";
import { paintFor } from "./screen/paint.ts";
import { lastKnownLines, whereToLook } from "./status-away.ts";
import { statusLines } from "./status-view.ts";
import { watchStatus } from "./status-watch.ts";

const ANSWER_TIMEOUT_MS = 5000;

export type StatusFlags = CommonFlags & { readonly json?: boolean; readonly watch?: boolean };

/**
 * Asks the running agent; `--watch` asks on until it is interrupted.
 *
 * @throws Unavailable when none answers, but for `--watch`, which waits for it
 */
export async function status(
  { json = false, watch = false, config }: StatusFlags,
  io: Io,
): Promise<ExitCode> {
  const options = readConfig(config);
  const ask = (signal?: AbortSignal) => askAgent(options, signal);
  const sight = () => ({
    paint: paintFor(io),
    now: new Date(),
    width: io.isTerminal ? io.size().columns : undefined,
  });
  const lastKnown = () => lastKnownLines(options, sight());
  if (watch) return watchStatus({ ask, lastKnown }, { json, io });
  const print = (lines: readonly string[]) => {
    for (const line of lines) io.out(line);
  };
  try {
    const document = await ask();
    print(json ? [JSON.stringify(document, null, 2)] : statusLines(document, sight()));
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof Unavailable && !json) print(await lastKnown());
    throw error;
  }
}

async function askAgent({ http, profile }: Config, ending?: AbortSignal): Promise<Status> {
  const url = `http://${addressOf(http)}/status`;
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const signal = ending === undefined ? timeout : AbortSignal.any([timeout, ending]);
    return statusSchema.parse(await (await fetch(url, { signal })).json());
  } catch (error) {
    const complaint = { where: url, what: reasonOf(error), cure: whereToLook(profile) };
    throw new Unavailable(complaint, { cause: error });
  }
}

/** Node says of a request only that it failed; why stands in the cause. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError")
    return `the agent does not answer within ${ANSWER_TIMEOUT_MS / 1000} s`;
  const cause = error instanceof Error ? codeOf(error.cause) : undefined;
  return cause === undefined
    ? "what answers there is no agent of this version"
    : `no agent answers there (${cause})`;
}
