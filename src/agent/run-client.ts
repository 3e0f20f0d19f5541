import { once } from "node:events";
import type { ChildOptions } from "../consul/child.ts";
import type { JoinWatch } from "../consul/join.ts";
import type { Options } from "../options.ts";
import type { Problems } from "../report/problems.ts";
import { configureClient } from "./client-config.ts";
import type { Workshop } from "./transact.ts";

export interface ClientContext extends Workshop {
  readonly options: Options;
  readonly problems: Problems;
  readonly join: JoinWatch;
}

/** Keeps the Consul client as the configuration says: configured, and supervised if it is a child. */
export async function runClient(context: ClientContext, signal: AbortSignal): Promise<void> {
  await configureClient(context.options, context, context.problems, signal);
  if (context.options.config.consul.agent === "child") {
    // Loaded only if wanted, to save memory when idle.
    const { superviseChild } = await import("../consul/child.ts");
    await superviseChild(childOptions(context), signal);
  } else if (!signal.aborted) await once(signal, "abort");
}

function childOptions({ options, log, join, problems }: ClientContext): ChildOptions {
  const { consul, paths } = options.config;
  return {
    binary: consul.binary,
    configFile: consul.config_file,
    directory: paths.state,
    dataDir: consul.data_dir,
    gossipKey: options.gossipKey,
    log,
    hear: (line) => join.hear(line),
    onProblems: (found) => problems.replace("child", found),
  };
}
