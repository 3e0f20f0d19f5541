import { addressOf } from "../base/address.ts";
import { ExitCode, messageOf, Unavailable } from "../base/errors.ts";
import { readConfig } from "../options/config-file.ts";
import { type Status, statusSchema } from "../report/status.ts";
import type { CommonFlags, Io } from "./io.ts";
import { paintFor } from "./screen/paint.ts";
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
  const { host, port } = readConfig(config).http;
  const ask = (signal?: AbortSignal) => askAgent(`http://${addressOf({ host, port })}/status`, signal);
  if (watch) return watchStatus(ask, { json, io });
  const document = await ask();
  const width = io.isTerminal ? io.size().columns : undefined;
  if (json) io.out(JSON.stringify(document, null, 2));
  else
    for (const line of statusLines(document, { paint: paintFor(io), now: new Date(), width })) io.out(line);
  return ExitCode.ok;
}

async function askAgent(url: string, ending?: AbortSignal): Promise<Status> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const signal = ending === undefined ? timeout : AbortSignal.any([timeout, ending]);
    return statusSchema.parse(await (await fetch(url, { signal })).json());
  } catch (error) {
    const cure =
      "Is the agent running? `mastodon-agent run` serves it, at the address under http in the configuration file.";
    throw new Unavailable({ where: url, what: `no status (${messageOf(error)})`, cure }, { cause: error });
  }
}
