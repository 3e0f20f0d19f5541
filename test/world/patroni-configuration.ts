import { dirname } from "node:path";
import { program } from "./programs.ts";

export interface PatroniConfiguration {
  readonly consul: { readonly address: string; readonly token: string | undefined };
  readonly scope: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly restPort: number;
  /** The node's own folder; the data are in it. */
  readonly folder: string;
  readonly password: string;
  readonly checkIntervalMs: number;
}

export function dataFolder(folder: string): string {
  return `${folder}/data`;
}

/** What Patroni reads, for versions 3 and 4. JSON is YAML. */
export function patroniConfiguration(node: PatroniConfiguration): object {
  const { consul, host, port, restPort, folder, password } = node;
  return {
    scope: node.scope,
    namespace: `/${node.namespace}/`,
    name: node.name,
    restapi: { listen: `${host}:${restPort}`, connect_address: `${host}:${restPort}` },
    consul: {
      url: consul.address,
      ...(consul.token !== undefined && { token: consul.token }),
      register_service: true,
      service_check_interval: `${node.checkIntervalMs}ms`,
    },
    bootstrap: {
      // 20 s is the least that Patroni takes, and loop_wait + 2 * retry_timeout may not be more.
      dcs: { ttl: 20, loop_wait: 2, retry_timeout: 9, postgresql: { use_pg_rewind: true, parameters } },
      // Small segments: Postgres fills a new one with zeros, and a new replica copies them.
      initdb: ["no-sync", { encoding: "UTF8" }, { locale: "C" }, { "wal-segsize": "1" }],
    },
    postgresql: {
      listen: `${host}:${port}`,
      connect_address: `${host}:${port}`,
      data_dir: dataFolder(folder),
      bin_dir: dirname(program("postgres")),
      pgpass: `${folder}/pgpass`,
      basebackup: ["no-sync", { checkpoint: "fast" }],
      authentication: {
        superuser: { username: "postgres", password },
        replication: { username: "replicator", password },
      },
      pg_hba: ["host all all 127.0.0.0/8 scram-sha-256", "host replication all 127.0.0.0/8 scram-sha-256"],
      parameters: { unix_socket_directories: "" },
    },
  };
}

/** Fast and small rather than safe; but pg_rewind wants full pages. Shared memory is in files of the data folder. */
const parameters = {
  fsync: "off",
  synchronous_commit: "off",
  wal_init_zero: "off",
  min_wal_size: "4MB",
  max_wal_size: "32MB",
  wal_keep_size: "16MB",
  wal_retrieve_retry_interval: "200ms",
  shared_buffers: "16MB",
  max_connections: 60,
  max_worker_processes: 4,
  dynamic_shared_memory_type: "mmap",
  autovacuum: "off",
  jit: "off",
};
