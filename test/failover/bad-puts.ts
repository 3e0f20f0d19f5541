/** What an operator can put wrongly, and what he is told about it. Everything here is turned down at some stage. */
export interface BadPut {
  readonly title: string;
  /** Below the watched prefix. */
  readonly key: string;
  readonly value: string | Uint8Array;
  /** Of the problem that explains it. */
  readonly code: "input_refused" | "probe_failed" | "change_refused" | "change_put_back" | "render_refused";
  readonly message: RegExp;
}

/** Where something else is than what the put says. */
export interface Elsewhere {
  /** Nobody listens there. */
  readonly closedPort: number;
  readonly postgresPort: number;
  readonly redisPort: number;
  readonly s3Port: number;
}

const NO_SUCH_HOST = "no-such-host.invalid";
const UNRESOLVED = /has a name that cannot be resolved|does not answer within/;

export function badPuts(elsewhere: Elsewhere): readonly BadPut[] {
  return [
    ...connections(elsewhere),
    ...MALFORMED.map(([name, value, message]) => refusedSetting(name, value, message)),
    ...UNKNOWN.map(([key, message]) => refusedKey(key, message)),
    ...BARRED.map(([name, message]) => refusedKey(`env/${name}`, message)),
    ...refusedByPrograms(elsewhere),
  ];
}

function connections({ closedPort, postgresPort, redisPort, s3Port }: Elsewhere): readonly BadPut[] {
  const rows: readonly [setting: string, value: string, message: RegExp][] = [
    ["DBPASS", "not-the-password", /postgres: .*refuses the password of user/],
    ["DBUSER", "stranger", /postgres: .*refuses the password of user "stranger"/],
    ["DBNAME", "mastodon_staging", /postgres: .*has no database "mastodon_staging"/],
    ["DBPORT", String(closedPort), /postgres: .*nothing listens there/],
    ["DBPORT", String(redisPort), /postgres: .*does not answer/],
    ["DBHOST", NO_SUCH_HOST, UNRESOLVED],
    ["REDISPASS", "not-the-password", /redis: .*refuses the user or the password/],
    ["REDISPORT", String(closedPort), /redis: .*nothing listens there/],
    ["REDISPORT", String(postgresPort), /redis: .*does not answer/],
    ["REDISPORT", String(s3Port), /redis: .*does not answer/],
    ["REDISHOST", NO_SUCH_HOST, UNRESOLVED],
    ["BUCKETPASS", "not-the-secret", /s3: .*knows the access key, but refuses its secret/],
    ["BUCKETUSER", "nobody", /s3: .*does not know the access key/],
    ["BUCKETNAME", "mastodon-old", /s3: .*has no bucket "mastodon-old"/],
    ["BUCKETPORT", String(closedPort), /s3: .*nothing listens there/],
    ["BUCKETPORT", String(redisPort), /s3: .*does not speak HTTP/],
    ["BUCKETHOST", NO_SUCH_HOST, UNRESOLVED],
    ["BUCKETSCHEME", "https", /s3: .*fails the TLS handshake/],
  ];
  const puts = rows.map(
    ([setting, value, message]): BadPut => ({
      title: `${setting} ${value}`,
      key: `settings/${setting}`,
      value,
      code: "probe_failed",
      message,
    }),
  );
  const variables: readonly BadPut[] = [
    {
      title: "TLS that the database does not offer",
      key: "env/DB_SSLMODE",
      value: "verify-full",
      code: "probe_failed",
      message: /postgres: .*offers no TLS, which DB_SSLMODE requires/,
    },
    {
      title: "a Redis user that there is not",
      key: "env/REDIS_USER",
      value: "stranger",
      code: "probe_failed",
      message: /redis: .*refuses the user or the password/,
    },
    {
      title: "a Redis database that there is not",
      key: "env/REDIS_DB",
      value: "999",
      code: "probe_failed",
      message: /redis: .*has no database 999/,
    },
  ];
  const nodeOnly: BadPut = {
    title: "a wrong password for this node only",
    key: "nodes/jail1/settings/DBPASS",
    value: "not-the-password",
    code: "probe_failed",
    message: /postgres: .*refuses the password/,
  };
  return [...puts, ...variables, nodeOnly];
}

const MALFORMED: readonly [setting: string, value: string | Uint8Array, message: RegExp][] = [
  ["DBPORT", "many", /whole number from 1 to 65535/],
  ["DBPORT", "0", /whole number/],
  ["DBPORT", "65536", /whole number/],
  ["DBPORT", "54 32", /whole number/],
  ["DBPORT", "5432\n", /line break/],
  ["DBPORT", "", /the value is empty/],
  ["DBHOST", "$(reboot)", /host name/],
  ["DBHOST", "http://db.example.org", /host name/],
  ["DBHOST", "db.example.org:5432", /host name/],
  ["DBHOST", "::1", /database\.yml misreads/],
  ["DBNAME", "mastodon; drop table users", /database\.yml/],
  ["DBNAME", "true", /database\.yml/],
  ["DBPASS", "two\nlines", /one line/],
  ["DBPASS", 'it\'s #1 "$HOME"', /dotenv cannot hold that/],
  ["DBPASS", "ends with \\", /not ending in/],
  ["DBPASS", "x".repeat(2000), /at most 1024 characters/],
  ["MAILPASS", new Uint8Array([0x66, 0xff, 0xfe]), /not valid UTF-8/],
  ["MAILPASS", "a\0b", /control characters/],
  ["MAILUSER", "x".repeat(400_000), /at most 256 characters/],
  ["MAILFROM", "nobody", /mastodon\/settings\/MAILFROM/],
  ["EMAIL", "nobody", /email address/],
  ["WEBDOMAIN", "exa mple.org", /host name/],
  ["WEBDOMAIN", "x.org; } server { listen 1", /host name/],
  ["BUCKETALIAS", '"; include /etc/passwd; "', /host name/],
  ["BUCKETNAME", "My Bucket", /bucket name/],
  ["BUCKETREGION", "eu central 1", /S3 region/],
  ["BUCKETSCHEME", "ftp", /one of https, http/],
  ["REMOTELOG", "udp://log", /host name/],
  ["DATACENTER", "dc2", /mastodon\/settings\/DATACENTER/],
  ["GOSSIPKEY", "pUqJrVyVRj5jsiYEkM/tFQ==", /mastodon\/settings\/GOSSIPKEY/],
];

const UNKNOWN: readonly [key: string, message: RegExp][] = [
  ["settings/DBHOTS", /DBHOST/],
  ["settings/ELSEWHERE", /mastodon\/settings\/ELSEWHERE/],
  ["settings/DB_HOST", /mastodon\/settings\/DB_HOST/],
  ["env/SINGLE_USER_MOED", /SINGLE_USER_MODE/],
  ["env/DBHOST", /mastodon\/env\/DBHOST/],
  ["DBHOST", /mastodon\/DBHOST/],
  ["control/stop", /mastodon\/control\/stop/],
  ["units/web", /mastodon\/units\/web/],
];

const BARRED: readonly [variable: string, message: RegExp][] = [
  ["DATABASE_URL", /it would override DB_HOST/],
  ["REDIS_URL", /is made of REDISHOST/],
  ["REDIS_NAMESPACE", /Mastodon refuses to start/],
  ["S3_CLOUDFRONT_HOST", /it would override S3_ALIAS_HOST/],
  ["SMTP_CA_FILE", /paths cannot be set from Consul/],
  ["PORT", /start scripts/],
  ["DB_HOST", /DBHOST/],
  ["S3_ENDPOINT", /mastodon\/env\/S3_ENDPOINT/],
  ["SECRET_KEY_BASE", /mastodon\/env\/SECRET_KEY_BASE/],
  ["ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", /mastodon\/env\/ACTIVE_RECORD/],
];

/** These are well-formed, and only the program that is to work with them can tell. */
function refusedByPrograms({ closedPort, redisPort }: Elsewhere): readonly BadPut[] {
  /** nginx's hash of server names has buckets of 64 bytes. */
  const longDomain = `${"long.".repeat(20)}example.org`;
  return [
    gated("MAILHOST", NO_SUCH_HOST),
    gated("MAILPORT", String(closedPort)),
    gated("MAILPORT", String(redisPort)),
    {
      title: "a domain that nginx cannot hold",
      key: "settings/WEBDOMAIN",
      value: longDomain,
      code: "change_refused",
      message: /its check rejects the new content.*server_names_hash/,
    },
    {
      title: "a media domain that nginx cannot hold",
      key: "settings/BUCKETALIAS",
      value: longDomain,
      code: "change_refused",
      message: /its check rejects the new content.*server_names_hash/,
    },
    {
      title: "more threads at least than at most, with which puma does not boot",
      key: "env/MIN_THREADS",
      value: "64",
      code: "change_put_back",
      message: /unit web: it is not healthy/,
    },
  ];
}

function gated(setting: string, value: string): BadPut {
  return {
    title: `${setting} ${value}, which the gate tries`,
    key: `settings/${setting}`,
    value,
    code: "change_refused",
    message: /gate: .*rejects the new values/,
  };
}

function refusedSetting(name: string, value: string | Uint8Array, message: RegExp): BadPut {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 30)) : "(bytes)";
  return { ...refusedKey(`settings/${name}`, message), title: `${name} ${shown}`, value };
}

function refusedKey(key: string, message: RegExp): BadPut {
  return { title: key, key, value: "anything", code: "input_refused", message };
}
