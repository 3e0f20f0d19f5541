import { email, mailbox, mailUser } from "./mail-types.ts";
import { redisHost, redisPassword } from "./redis-types.ts";
import {
  bucket,
  choice,
  databaseHost,
  databaseName,
  datacenter,
  gossipKey,
  host,
  hostname,
  ip,
  mailHost,
  nodeName,
  port,
  region,
  serverList,
  text,
  type ValueType,
} from "./types.ts";

/** One setting of the jail: what it may be and where it may come from. */
export interface SettingSpec {
  readonly type: ValueType;
  /** Never shown, logged or put into a message. */
  readonly secret?: true;
  readonly default?: string;
  /** Must be known from some source before the first apply. */
  readonly required?: true;
  /** Needed to reach Consul at all, so it can only come from the environment. */
  readonly join?: true;
  /** Other spellings that a jail's environment may use; each one's type gives the setting's own canonical form. */
  readonly aliases?: Readonly<Record<string, ValueType>>;
  readonly about: string;
}

/** The later jail flavour asks the other way round: is S3 upstream without TLS? */
const withoutTls: ValueType = {
  expected: "true, yes, on or 1 (no TLS to S3), or false, no, off or 0",
  example: "true",
  accept: (value) => {
    if (/^(true|yes|on|1)$/i.test(value)) return "http";
    return /^(false|no|off|0)$/i.test(value) ? "https" : undefined;
  },
};

/** The table of settings, by the jail's parameter names. Which variable each one feeds is in `variables.ts`. */
export const SETTINGS = {
  DATACENTER: { type: datacenter, required: true, join: true, about: "Consul datacenter" },
  IP: { type: ip, required: true, join: true, about: "address of this jail" },
  NODENAME: { type: nodeName, required: true, join: true, about: "name of this node in Consul" },
  CONSULSERVERS: { type: serverList, required: true, join: true, about: "Consul servers to join" },
  GOSSIPKEY: {
    type: gossipKey,
    secret: true,
    required: true,
    join: true,
    about: "gossip key of the Consul cluster",
  },
  DOMAIN: {
    type: hostname,
    required: true,
    about: "domain of the site: the part after the @ of its accounts",
  },
  WEBDOMAIN: { type: hostname, about: "domain of the web interface, if it differs from DOMAIN" },
  EMAIL: { type: email, required: true, about: "contact address for certificates" },
  MAILHOST: { type: mailHost, required: true, about: "SMTP server" },
  MAILPORT: { type: port, default: "25", about: "SMTP port" },
  MAILUSER: { type: mailUser, required: true, about: "SMTP user" },
  MAILPASS: { type: text("(a password)", 1024), secret: true, required: true, about: "SMTP password" },
  MAILFROM: { type: mailbox, required: true, about: "sender of notifications" },
  DBHOST: { type: databaseHost, required: true, about: "PostgreSQL host" },
  DBPORT: { type: port, default: "5432", about: "PostgreSQL port" },
  DBUSER: { type: databaseName, required: true, about: "PostgreSQL user" },
  DBPASS: { type: text("(a password)", 1024), secret: true, required: true, about: "PostgreSQL password" },
  DBNAME: { type: databaseName, required: true, about: "PostgreSQL database" },
  REDISHOST: { type: redisHost, required: true, about: "Redis host" },
  REDISPORT: { type: port, default: "6379", about: "Redis port" },
  REDISPASS: { type: redisPassword, secret: true, about: "Redis password" },
  BUCKETHOST: {
    type: host("s3.example.org"),
    required: true,
    about: "S3 host",
    aliases: { S3HOSTNAME: host("s3.example.org") },
  },
  BUCKETPORT: { type: port, default: "443", about: "S3 port", aliases: { S3PORT: port } },
  BUCKETSCHEME: {
    type: choice("https", "http"),
    default: "https",
    about: "S3 scheme",
    aliases: { S3UPNOSSL: withoutTls },
  },
  BUCKETNAME: { type: bucket, default: "mastodon", about: "S3 bucket" },
  BUCKETUSER: { type: text("(an access key ID)", 256), required: true, about: "S3 access key ID" },
  BUCKETPASS: {
    type: text("(a secret access key)", 1024),
    secret: true,
    required: true,
    about: "S3 secret access key",
  },
  BUCKETALIAS: { type: hostname, required: true, about: "public host name of the media files" },
  BUCKETREGION: { type: region, required: true, about: "S3 region" },
  REMOTELOG: { type: host("log.example.org"), about: "syslog server for the jail's logs" },
} as const satisfies Record<string, SettingSpec>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSettingName);

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** The row of a setting, with its optional columns. */
export function settingSpec(name: SettingName): SettingSpec {
  return SETTINGS[name];
}
