import { mkdir, writeFile } from "node:fs/promises";
import type { ConsulServer } from "../world/consul.ts";
import { consulHttp } from "../world/consul-http.ts";
import { freePorts, loopbackAddress } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { type Running, start, whileRunning } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

/** The Consul client of the jail's node, which someone else runs and restarts. */
export interface ConsulClient extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  kill(): Promise<void>;
  /** SIGINT, upon which it does not leave the cluster. */
  stop(): Promise<void>;
  /** Starts it again with the data that it had. Does not wait for it to join. */
  start(): Promise<void>;
  /** Returns once it answers from the servers. */
  ready(): Promise<void>;
}

export async function startClient(server: ConsulServer, name: string): Promise<ConsulClient> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("chaos-client"));
  const host = await loopbackAddress();
  const [http = 0, gossip = 0] = await freePorts(2, host);
  await mkdir(folder.file("data"));
  const configuration = {
    server: false,
    datacenter: server.datacenter,
    node_name: name,
    bind_addr: host,
    client_addr: host,
    ports: { http, serf_lan: gossip, dns: -1, grpc: -1 },
    data_dir: folder.file("data"),
    ...(server.gossipKey === undefined ? {} : { encrypt: server.gossipKey }),
    retry_join: [server.join],
    retry_interval: "1s",
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    disable_update_check: true,
  };
  await writeFile(folder.file("client.json"), JSON.stringify(configuration), { mode: 0o600 });
  const calls = consulHttp(`http://${host}:${http}`, undefined);
  const boot = () =>
    start(program("consul"), ["agent", `-config-file=${folder.file("client.json")}`], {
      stopSignal: "SIGINT",
    });
  let running: Running = await boot();
  starting.defer(async () => void (await running.stop()));
  const ready = () =>
    whileRunning("the client", running, until("the client to answer", calls.isReady, 60_000)).then(() => {});
  await ready();
  const release = starting.move();
  return {
    host,
    port: http,
    kill: async () => {
      running.signal("SIGKILL");
      await running.exited;
    },
    stop: async () => void (await running.stop()),
    start: async () => {
      if (!running.isRunning()) running = await boot();
    },
    ready,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
