import { ExitCode, Unavailable } from "../base/errors.ts";
import { readConfig } from "../options/config-file.ts";
import type { Config } from "../options/schema.ts";
import type { Status } from "../report/status.ts";
import { askAgent } from "./ask-agent.ts";
import type { CommonFlags, Io } from "./io.ts";
import { paintFor } from "./screen/paint.ts";
import { lastKnownLines, whereToLook } from "./status-away.ts";
import { statusLines } from "./status-view.ts";
import { watchStatus } from "./status-watch.ts";

export type StatusFlags = CommonFlags & { readonly json?: boolean; readonly watch?: boolean };

/**
 * Asks the running agent; `--watch` keeps asking until interrupted.
 *
 * @throws Unavailable when none answers, except with `--watch`, which waits for it
 */
export async function status(
  { json = false, watch = false, config }: StatusFlags,
  io: Io,
): Promise<ExitCode> {
  const options = readConfig(config);
  const ask = (signal?: AbortSignal) => statusOf(options, signal);
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

async function statusOf(config: Config, ending?: AbortSignal): Promise<Status> {
  const answer = await askAgent(config, ending);
  if (answer.kind === "status") return answer.status;
  throw new Unavailable({ where: answer.url, what: answer.reason, cure: whereToLook(config.profile) });
}
