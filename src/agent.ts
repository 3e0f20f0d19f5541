import { runAnnouncer } from "./agent/announcer.ts";
import { Certifier } from "./agent/certifier.ts";
import { CLIENT_UNIT } from "./agent/client-config.ts";
import { ConnectionWatch } from "./agent/connection-watch.ts";
import { connectionInForce } from "./agent/connections.ts";
import { DatabaseKeeper } from "./agent/database.ts";
import { HeadlineClock, headlineOf } from "./agent/headline.ts";
import { History } from "./agent/history.ts";
import { HoldKeeper } from "./agent/hold-keeper.ts";
import { keyStorageOf } from "./agent/key-storage.ts";
import { reportKeys } from "./agent/keys-report.ts";
import { Loop } from "./agent/loop.ts";
import { type Memory, memorySchema, NO_MEMORY } from "./agent/memory.ts";
import { keepWriting } from "./agent/persistence.ts";
import { Prober } from "./agent/prober.ts";
import { damagedStateProblem } from "./agent/problems.ts";
import { allFiles, refuseEarly } from "./agent/refuse-early.ts";
import type { RefusedConfiguration } from "./agent/refused-configuration.ts";
import { aimRemoteLog } from "./agent/remote-log.ts";
import { runClient } from "./agent/run-client.ts";
import { checkedDependencies } from "./agent/services.ts";
import { statusOf } from "./agent/status.ts";
import { publishStatus } from "./agent/status-document.ts";
import { withTargets } from "./agent/targets-at-start.ts";
import { collectGarbage, tidyAtRest } from "./agent/tidy.ts";
import { type Task, together } from "./agent/together.ts";
import { Turn } from "./agent/turn.ts";
import { UnitWatch } from "./agent/unit-watch.ts";
import { watchConsul } from "./agent/watch-consul.ts";
import { sweep } from "./apply/stage.ts";
import { Bell } from "./base/bell.ts";
import { createConsulClient } from "./consul/create-client.ts";
import { createPinStore } from "./consul/pins.ts";
import type { Options } from "./options.ts";
import type { Change } from "./report/change.ts";
import { openHttp, type Views } from "./report/http.ts";
import type { Log } from "./report/log.ts";
import { Metrics } from "./report/metrics.ts";
import { Notice } from "./report/notice.ts";
import { Problems } from "./report/problems.ts";
import type { SyslogRelay } from "./report/syslog-relay.ts";
import { DEPENDENCY_NAMES } from "./settings/dependencies.ts";
import { lockState } from "./state/lock.ts";
import { openState, type StateStore, stateFileIn } from "./state/store.ts";

/** What an agent gets from its caller. */
export interface AgentGiven {
  readonly options: Options;
  readonly log: Log;
  /** Receives the lines of that log; the agent decides where they go. */
  readonly relay: SyslogRelay;
  /** Read since the start, but not what the agent runs with. */
  readonly refused: RefusedConfiguration;
  readonly version: string;
}

/**
 * Assembles the stages and runs them until the signal aborts. An apply that has begun is finished first.
 *
 * @throws Misconfigured when configuration or keys are refused; then nothing was changed
 */
export async function runAgent(given: AgentGiven, signal: AbortSignal): Promise<void> {
  const { log, version } = given;
  await refuseEarly(given.options);
  const options = await withTargets(given.options, log);
  const written = new Bell();
  const onTrouble = () => written.ring();
  const store = await openState(options.config.paths.state, memorySchema, NO_MEMORY, onTrouble);
  await using _lock = await lockState(options.config.paths.state);
  await sweep([
    ...allFiles(options).map(({ spec }) => spec),
    { path: stateFileIn(options.config.paths.state) },
  ]);
  const metrics = new Metrics({
    units: options.units.map(({ name }) => name),
    dependencies: DEPENDENCY_NAMES,
    probed: checkedDependencies(options),
  });
  const notice = new Notice();
  const problems = new Problems(log, {
    onBegin: (problem) => metrics.began(problem),
    onChange: () => notice.tell(),
  });
  const history = await History.open(options.config.paths.state, problems, onTrouble);
  const { tasks, views } = assemble({
    ...given,
    options,
    store,
    written,
    notice,
    problems,
    history,
    metrics,
  });
  await using _http = await openHttp(options.config.http, views);
  if (store.complaint !== undefined)
    problems.replace("damaged state", [damagedStateProblem(store.complaint)]);
  log.info({ version, node: options.node, http: options.config.http }, "agent started");
  await together(tasks, signal);
  log.info("agent stopped");
}

interface Parts extends AgentGiven {
  readonly store: StateStore<Memory>;
  /** Rings when it becomes possible, or impossible, to write the state or the journal. */
  readonly written: Bell;
  readonly notice: Notice;
  readonly problems: Problems;
  readonly history: History;
  readonly metrics: Metrics;
}

interface Assembly {
  readonly tasks: readonly Task[];
  readonly views: Views;
}

/** Creates every part and wires it to those it needs. Nothing runs yet. */
function assemble({
  options,
  store,
  written,
  log,
  relay,
  refused,
  version,
  notice,
  problems,
  history,
  metrics,
}: Parts): Assembly {
  const { config, connection, units, node } = options;
  const startedAt = new Date().toISOString();
  const bell = new Bell();
  const clock = new HeadlineClock();
  const client = createConsulClient(connection);
  const keyStorage = keyStorageOf(options);
  const pinsOf = (domain: string) => createPinStore(client, domain);
  const onRing = () => bell.ring();
  const onNews = () => {
    clock.see(headline().state);
    notice.tell();
  };
  const headline = () =>
    headlineOf({
      loop,
      memory: store.read(),
      database,
      connectionHealth: connectionWatch.health,
      join: join.state,
      problems: problems.list(),
    });
  // Time alone can turn something into a problem, and that may change the state too.
  notice.subscribe(() => clock.see(headline().state));
  const memory = () => store.read();
  const { join, world } = watchConsul({ options, client, problems, log, memory, onChange: onRing });
  const prober = new Prober(onRing, ({ target, verdict }) => {
    metrics.probed(target.dependency, verdict.kind);
    onNews();
  });
  const connectionWatch = new ConnectionWatch({
    inForce: (dependency) => connectionInForce(dependency, store.read()),
    intervalMs: config.probe.interval,
    problems,
    onProbe: (dependency, result) => metrics.probed(dependency, result),
    notice: { subscribe: (listener) => notice.subscribe(listener), tell: onNews },
  });
  const turn = new Turn({ client, node, log, onChange: onRing });
  const workshop = { options, units, store, log, problems };
  const record = async (change: Change) => {
    metrics.changed(change);
    await database.changed(change);
    await history.record(change);
    onNews();
  };
  const holds = new HoldKeeper({
    ...workshop,
    record: async (event) => {
      await history.note(event);
      onNews();
    },
  });
  const database = new DatabaseKeeper({
    ...workshop,
    client,
    redact: (text) => loop.redact(text),
    evaluation: () => loop.evaluation,
    onNews,
    onReady: onRing,
  });
  const loop = new Loop({
    ...workshop,
    world,
    prober,
    turn,
    keyStorage,
    pinsOf,
    bell,
    database,
    holds,
    record,
    onChange: () => {
      remoteLog.bell.ring();
      onNews();
    },
    isConsulAway: () => config.consul.agent === "external" && join.isUnreachable,
  });
  const unitWatch = new UnitWatch({
    units: units.filter(({ name }) => name !== CLIENT_UNIT),
    isBusy: () => loop.applier.isApplying || loop.evaluation?.desired === undefined,
    redact: (text) => loop.redact(text),
    problems,
    onChange: onNews,
  });
  const status = () =>
    statusOf({
      version,
      node,
      startedAt,
      nowMs: Date.now(),
      join: join.state,
      loop,
      history,
      clock,
      memory: store.read(),
      leader: world.snapshot.leader,
      watches: world.health,
      unitHealth: unitWatch.health,
      connectionHealth: connectionWatch.health,
      certificates: certifier.states,
      certificatesTurn: certifier.turn,
      database,
      findings: prober.findings,
      problems: problems.list(),
    });
  const facts = () => {
    return { options, version, headline: headline(), unitHealth: unitWatch.health };
  };
  const statusDocument = { client, notice, problems, status, domain: () => loop.keys?.domain };
  const certifier = new Certifier({
    options,
    client,
    problems,
    log,
    evaluation: () => loop.evaluation,
    inUse: () => store.read().certificates,
    isStarting: () => loop.isStarting,
    onChange: () => {
      onRing();
      onNews();
    },
  });
  const remoteLog = { options, relay, problems, evaluation: () => loop.evaluation, bell: new Bell() };
  const persistence = { state: store, journal: history.journal, problems, bell: written, onChange: onNews };
  const readKeys = () => loop.keys && { keys: loop.keys.values, pins: pinsOf(loop.keys.domain) };

  return {
    tasks: [
      (signal) => runClient({ ...workshop, join }, signal),
      (signal) => problems.run(signal),
      (signal) => refused.report(problems, signal),
      (signal) => keepWriting(persistence, signal),
      (signal) => join.run(signal),
      (signal) => world.run(signal),
      (signal) => loop.run(signal),
      (signal) => database.run(signal),
      (signal) => holds.run(signal),
      (signal) => reportKeys(keyStorage, readKeys, problems, signal),
      (signal) => unitWatch.run(signal),
      (signal) => connectionWatch.run(checkedDependencies(options), signal),
      (signal) => certifier.run(signal),
      (signal) => tidyAtRest({ notice, collect: collectGarbage }, signal),
      (signal) => aimRemoteLog(remoteLog, signal),
      (signal) => runAnnouncer({ client, notice, problems, facts }, signal),
      ...(config.announce.status ? [(signal: AbortSignal) => publishStatus(statusDocument, signal)] : []),
    ],
    views: {
      notice,
      journal: () => history.entries(),
      status,
      metrics: () => metrics.scrape(status()),
    },
  };
}
