import type { ConsulClient } from "../consul/client.ts";
import { JoinWatch } from "../consul/join.ts";
import type { Options } from "../options.ts";
import type { Log } from "../report/log.ts";
import type { Problems } from "../report/problems.ts";
import { joinProblems } from "./cut-off.ts";
import { knownIndex } from "./last-good.ts";
import type { Memory } from "./memory.ts";
import { watchProblems } from "./problems.ts";
import { sourcesOf } from "./questions.ts";
import { WatchedWorld } from "./world.ts";

export interface ConsulWatching {
  readonly options: Options;
  readonly client: ConsulClient;
  readonly problems: Problems;
  readonly log: Log;
  readonly memory: () => Memory;
  readonly onChange: () => void;
}

/** The two watchers of Consul: whether this node is part of it, and what is in it; and what each tells the other. */
export function watchConsul({ options, client, problems, log, memory, onChange }: ConsulWatching) {
  const report = () => {
    problems.replace("consul", joinProblems(join.state, memory()));
    // If Consul cannot be asked at all, that is the problem, not each single watch.
    problems.replace("watches", join.state.awaySince === undefined ? watchProblems(world.health) : []);
    onChange();
  };
  const join = new JoinWatch({ client, servers: serversOf(options), onChange: report, log });
  const world = new WatchedWorld({
    ...sourcesOf(options),
    client,
    log,
    kvIndex: knownIndex(memory()),
    onChange: () => {
      if (watchProblems(world.health).length > 0) join.lookAgain();
      report();
    },
  });
  return { join, world };
}

function serversOf({ environment }: Options): string {
  return String(environment.settings.get("CONSULSERVERS")?.value ?? "");
}
