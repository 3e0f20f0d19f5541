import { once } from "node:events";
import { Bell } from "./agent/bell.ts";
import { configureClient } from "./agent/client-config.ts";
import { keyStorageOf } from "./agent/key-storage.ts";
import { reportKeys } from "./agent/keys-report.ts";
import { Loop } from "./agent/loop.ts";
import { type Memory, memorySchema, NO_MEMORY } from "./agent/memory.ts";
import { Prober } from "./agent/prober.ts";
import { watchProblems } from "./agent/problems.ts";
import { allFiles, refuseEarly } from "./agent/refuse-early.ts";
import { patroniScope, serviceNames } from "./agent/services.ts";
import { statusOf } from "./agent/status.ts";
import { together } from "./agent/together.ts";
import { Turn } from "./agent/turn.ts";
import { WatchedWorld } from "./agent/world.ts";
import { sweep } from "./apply/stage.ts";
import { sentence } from "./base/errors.ts";
import type { ChildOptions } from "./consul/child.ts";
import { createConsulClient } from "./consul/client.ts";
import { JoinWatch } from "./consul/join.ts";
import { createPinStore } from "./consul/pins.ts";
import type { Options } from "./options.ts";
import { openHttp } from "./report/http.ts";
import type { Log } from "./report/log.ts";
import { Problems } from "./report/problems.ts";
import type { Status } from "./report/status.ts";
import { NO_LEADER } from "./settings/leader.ts";
import { lockState } from "./state/lock.ts";
import { openState, type StateStore } from "./state/store.ts";

/**
 * Assembles the stages and runs them until the signal aborts. An apply that has begun is finished first.
 *
 * @throws Misconfigured when configuration or keys are refused: nothing was changed then
 */
export async function runAgent(
  options: Options,
  log: Log,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  await refuseEarly(options);
  const store = await openState(options.config.paths.state, memorySchema, NO_MEMORY);
  await using _lock = await lockState(options.config.paths.state);
  await sweep(allFiles(options).map(({ spec }) => spec));
  const parts = assemble(options, store, log, version);
  await using _http = await openHttp(options.config.http, parts.status);
  if (store.complaint !== undefined) log.warn({ problem: sentence(store.complaint) }, "state was not usable");
  log.info({ version, node: options.node, http: options.config.http }, "agent started");
  await together(
    [
      (end) => parts.runClient(end),
      (end) => parts.join.run(end),
      (end) => parts.world.run(end),
      (end) => parts.loop.run(end),
      (end) => parts.reportKeys(end),
    ],
    signal,
  );
  log.info("agent stopped");
}

interface Parts {
  readonly join: JoinWatch;
  readonly world: WatchedWorld;
  readonly loop: Loop;
  readonly status: () => Status;
  readonly runClient: (signal: AbortSignal) => Promise<void>;
  readonly reportKeys: (signal: AbortSignal) => Promise<void>;
}

function assemble(options: Options, store: StateStore<Memory>, log: Log, version: string): Parts {
  const { config, connection, units } = options;
  const bell = new Bell();
  const problems = new Problems(log);
  const client = createConsulClient(connection);
  const keyStorage = keyStorageOf(options);
  const onChange = () => {
    const inTrouble = watchProblems(world.health);
    problems.replace("consul", join.state.problems);
    // Outside the cluster that is the problem, and not each of the watches.
    problems.replace("watches", join.state.joined ? inTrouble : []);
    bell.ring();
  };
  const onWatchChange = () => {
    if (watchProblems(world.health).length > 0) join.lookAgain();
    onChange();
  };
  const join = new JoinWatch({ client, servers: serversOf(options), onChange, log });
  const world = new WatchedWorld({
    client,
    prefix: config.watch.prefix,
    services: serviceNames(options),
    patroni: patroniScope(options),
    sentinelService: config.dependencies.redis.sentinel.service,
    log,
    onChange: onWatchChange,
  });
  const prober = new Prober(
    () => bell.ring(),
    () => loop.sslMode,
  );
  const turn = new Turn({ client, node: options.node, log, onChange: () => bell.ring() });
  const pinsOf = (domain: string) => createPinStore(client, domain);
  const loop = new Loop({
    options,
    units,
    world,
    prober,
    turn,
    store,
    keyStorage,
    pinsOf,
    problems,
    bell,
    log,
  });
  const readKeys = () => loop.keys && { keys: loop.keys.values, pins: pinsOf(loop.keys.domain) };
  return {
    join,
    world,
    loop,
    status: () =>
      statusOf({
        version,
        node: options.node,
        nowMs: Date.now(),
        join: join.state,
        loop,
        memory: store.read(),
        leader: world.snapshot.leader ?? NO_LEADER,
        watches: world.health,
        problems: problems.list(),
      }),
    reportKeys: (signal) => reportKeys(keyStorage, readKeys, problems, signal),
    runClient: async (signal) => {
      await configureClient(options, { units, store, log }, problems, signal);
      if (config.consul.agent === "child") {
        // Loaded only where it is wanted: it is a third of the agent's memory.
        const { superviseChild } = await import("./consul/child.ts");
        await superviseChild(childOptions(options, log, join, problems), signal);
      } else if (!signal.aborted) await once(signal, "abort");
    },
  };
}

function childOptions(
  { config, gossipKey }: Options,
  log: Log,
  join: JoinWatch,
  problems: Problems,
): ChildOptions {
  const { binary, config_file, data_dir } = config.consul;
  return {
    binary,
    configFile: config_file,
    directory: config.paths.state,
    dataDir: data_dir,
    gossipKey,
    log,
    hear: (line) => join.hear(line),
    onProblems: (found) => problems.replace("child", found),
  };
}

function serversOf({ environment }: Options): string {
  return String(environment.settings.get("CONSULSERVERS")?.value ?? "");
}
