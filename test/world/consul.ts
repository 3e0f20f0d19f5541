import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { type ConsulHttp, consulHttp } from "./consul-http.ts";
import { freePorts, loopbackAddress } from "./ports.ts";
import { program } from "./programs.ts";
import { type Running, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface ConsulServerOptions {
  readonly datacenter?: string;
  /** base64 of 16, 24 or 32 bytes, as `consul keygen` makes it. */
  readonly gossipKey?: string;
  /** Default-deny; `token` of the running server is the management token. */
  readonly acl?: boolean;
  /** HTTPS with a throwaway authority; `clients` also asks for a client's certificate. */
  readonly tls?: "server" | "clients";
  readonly nodeName?: string;
  /** Connections of one client address; Consul's own 200 where none is given. Of a killed client they last as long as its questions. */
  readonly maxConnections?: number;
}

/** A real Consul server. Calls of the world's own go past the code under test. */
export interface ConsulServer extends ConsulHttp, AsyncDisposable {
  /** `http://...`, or `https://...` with TLS: what CONSUL_HTTP_ADDR shall say. */
  readonly address: string;
  readonly host: string;
  readonly ports: ConsulPorts;
  /** `host:port` of the LAN gossip, for retry_join and CONSULSERVERS. */
  readonly join: string;
  readonly datacenter: string;
  readonly gossipKey: string | undefined;
  /** The management token, where ACLs are on. */
  readonly token: string | undefined;
  readonly certificates: Certificates | undefined;
  pid(): number;
  output(): string;
  stop(): Promise<void>;
  /** Starts it again where it was, with the data that it had. */
  start(): Promise<void>;
}

export interface ConsulPorts {
  readonly http: number;
  readonly https: number;
  readonly serfLan: number;
  readonly server: number;
}

/** Starts a Consul server on a loopback address and ports of its own; returns once it has a leader. */
export async function startConsul(options: ConsulServerOptions = {}): Promise<ConsulServer> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("consul"));
  const host = await loopbackAddress();
  const ports = await consulPorts(host);
  const certificates = options.tls === undefined ? undefined : await makeCertificates(folder.path, host);
  const token = options.acl === true ? randomUUID() : undefined;
  const datacenter = options.datacenter ?? "dc1";

  await mkdir(folder.file("data"));
  const configuration = {
    ...options,
    datacenter,
    host,
    ports,
    token,
    certificates,
    data: folder.file("data"),
  };
  await writeFile(folder.file("server.json"), JSON.stringify(serverConfiguration(configuration)), {
    mode: 0o600,
  });

  const plainAddress = `http://${host}:${ports.http}`;
  const http = consulHttp(plainAddress, token);
  let running = await boot(folder.file("server.json"), http);
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();

  return {
    ...http,
    address: certificates === undefined ? plainAddress : `https://${host}:${ports.https}`,
    host,
    ports,
    join: `${host}:${ports.serfLan}`,
    datacenter,
    gossipKey: options.gossipKey,
    token,
    certificates,
    pid: () => running.pid,
    output: () => running.output(),
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot(folder.file("server.json"), http);
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

async function boot(configurationFile: string, http: ConsulHttp): Promise<Running> {
  // A server that is only stopped keeps its place in the cluster, and ends at once on SIGINT.
  const running = await start(program("consul"), ["agent", `-config-file=${configurationFile}`], {
    stopSignal: "SIGINT",
  });
  return whileRunning("consul", running, until("a Consul leader that can write", http.isReady)).then(
    () => running,
  );
}

async function consulPorts(host: string): Promise<ConsulPorts> {
  const [http = 0, https = 0, serfLan = 0, server = 0] = await freePorts(4, host);
  return { http, https, serfLan, server };
}

interface Configuration extends ConsulServerOptions {
  readonly datacenter: string;
  readonly host: string;
  readonly ports: ConsulPorts;
  readonly token: string | undefined;
  readonly certificates: Certificates | undefined;
  readonly data: string;
}

function serverConfiguration({ host, ports, certificates, token, ...rest }: Configuration): object {
  return {
    server: true,
    bootstrap_expect: 1,
    datacenter: rest.datacenter,
    node_name: rest.nodeName ?? "server-1",
    data_dir: rest.data,
    bind_addr: host,
    client_addr: host,
    ports: {
      http: ports.http,
      https: certificates === undefined ? -1 : ports.https,
      serf_lan: ports.serfLan,
      server: ports.server,
      serf_wan: -1,
      dns: -1,
      grpc: -1,
    },
    performance: { raft_multiplier: 1 },
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    disable_update_check: true,
    log_level: "info",
    ...(rest.maxConnections === undefined
      ? {}
      : { limits: { http_max_conns_per_client: rest.maxConnections } }),
    ...(rest.gossipKey === undefined ? {} : { encrypt: rest.gossipKey }),
    ...(token === undefined ? {} : accessControl(token)),
    ...(certificates === undefined ? {} : transportSecurity(certificates, rest.tls === "clients")),
  };
}

function accessControl(token: string): object {
  return { acl: { enabled: true, default_policy: "deny", tokens: { master: token, agent: token } } };
}

function transportSecurity(certificates: Certificates, askClients: boolean): object {
  return {
    ca_file: certificates.ca,
    cert_file: certificates.serverCertificate,
    key_file: certificates.serverKey,
    verify_incoming_https: askClients,
  };
}
