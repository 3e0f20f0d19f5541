import { Secret } from "../../src/base/secret.ts";
import type { Limits } from "../../src/probe/look.ts";
import { probePostgres, probeRedis, probeS3, probeSmtp } from "../../src/probe/probe.ts";
import type { ProbeResult } from "../../src/probe/result.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

type Probe = (address: Address, limits: Limits) => Promise<ProbeResult>;

const DATABASE = {
  user: "mastodon",
  password: new Secret("db-secret-1"),
  database: "mastodon_production",
};
const PASSWORD = { password: new Secret("redis-secret-1") };
const BUCKET = {
  scheme: "http",
  bucket: "mastodon",
  path: "/mastodon",
  region: "eu-central-1",
  accessKey: "S3RVER",
  secretKey: new Secret("S3RVER"),
} as const;
const LOGIN = {
  login: { user: "mailuser", password: new Secret("mail-secret-1"), method: "plain" },
} as const;

/** Every probe, with what the servers of the test world want to be told. */
export const PROBES = {
  postgres: ({ host, port }, limits) => probePostgres({ host, port, ...DATABASE }, limits),
  redis: ({ host, port }, limits) => probeRedis({ host, port, ...PASSWORD }, limits),
  "redis with TLS": ({ host, port }, limits) => probeRedis({ host, port, tls: true }, limits),
  s3: ({ host, port }, limits) => probeS3({ host, port, ...BUCKET }, limits),
  smtp: ({ host, port }, limits) => probeSmtp({ host, port, ...LOGIN }, limits),
} satisfies Record<string, Probe>;
