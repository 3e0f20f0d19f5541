import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { AGENT, HOSTS, JAIL } from "../world/agent.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

interface BadInput {
  readonly title: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Laid over a good configuration; a text is the whole file. */
  readonly config?:
    | Readonly<Record<string, unknown>>
    | string
    | ((folder: string) => Readonly<Record<string, unknown>>);
  readonly argv?: readonly string[];
  readonly prepare?: (folder: string) => Promise<unknown>;
  /** Root may write everywhere, so some things are only refused to others. */
  readonly withoutOverride?: true;
  readonly exitCode: number;
  readonly message: RegExp;
}

/** util-linux: root may read everything still, but write only what its owner may write. */
const WITHOUT_OVERRIDE = ["setpriv", "--bounding-set=-dac_override"] as const;
const GOOD_KEY_LINE = `${"0123456789abcdef".repeat(8)}\n`;

const table: readonly BadInput[] = [
  {
    title: "an unknown command",
    argv: ["rum"],
    exitCode: 64,
    message: /unknown command 'rum'.*Did you mean run/s,
  },
  {
    title: "an unknown flag",
    argv: ["run", "--conifg", "x"],
    exitCode: 64,
    message: /unknown option '--conifg'/,
  },
  {
    title: "an unknown log level",
    argv: ["run", "--log-level", "loud"],
    exitCode: 64,
    message: /--log-level <level>' argument 'loud' is invalid\. Allowed choices are trace, debug/,
  },
  {
    title: "an unknown log level in the file",
    config: { log: { level: "loud" } },
    exitCode: 78,
    message: /agent\.yaml:\d+:\d+: log\.level: unknown name loud\..*debug/,
  },
  {
    title: "an unset datacenter",
    environment: { DATACENTER: "" },
    exitCode: 78,
    message: /DATACENTER: not set.*DATACENTER=dc1/,
  },
  {
    title: "an unset gossip key",
    environment: { GOSSIPKEY: "" },
    exitCode: 78,
    message: /GOSSIPKEY: not set.*consul keygen/,
  },
  {
    title: "a gossip key of 31 bytes",
    environment: { GOSSIPKEY: Buffer.alloc(31).toString("base64") },
    exitCode: 78,
    message: /GOSSIPKEY: .*16, 24 or 32 bytes/,
  },
  {
    title: "servers with spaces",
    environment: { CONSULSERVERS: "10.0.0.1, 10.0.0.2" },
    exitCode: 78,
    message: /CONSULSERVERS: .*without spaces/,
  },
  {
    title: "a port that is none",
    environment: { DBPORT: "postgres" },
    exitCode: 78,
    message: /DBPORT: .*from 1 to 65535.*5432/,
  },
  {
    title: "a command substitution as a host",
    environment: { DBHOST: "$(id)" },
    exitCode: 78,
    message: /DBHOST: .*a host name/,
  },
  {
    title: "a secret twice",
    environment: { DBPASS_FILE: "/x" },
    exitCode: 78,
    message: /DBPASS and DBPASS_FILE: both are set/,
  },
  {
    title: "a secret file that does not exist",
    environment: { REDISPASS_FILE: "/nonexistent" },
    exitCode: 78,
    message: /REDISPASS_FILE=\/nonexistent: the file cannot be read/,
  },
  {
    title: "a Consul address that is none",
    environment: { CONSUL_HTTP_ADDR: "ftp://x" },
    exitCode: 78,
    message: /CONSUL_HTTP_ADDR: not an address.*http:\/\/127/,
  },
  {
    title: "Consul at a socket",
    environment: { CONSUL_HTTP_ADDR: "unix:///var/run/consul.sock" },
    exitCode: 78,
    message: /CONSUL_HTTP_ADDR: a Unix socket, which the agent does not support.*http:\/\/127/,
  },
  {
    title: "a token twice",
    environment: { CONSUL_HTTP_TOKEN: "a", CONSUL_HTTP_TOKEN_FILE: "/b" },
    exitCode: 78,
    message: /CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE/,
  },
  {
    title: "a CA file that does not exist",
    environment: { CONSUL_CACERT: "/nonexistent" },
    exitCode: 78,
    message: /CONSUL_CACERT=\/nonexistent/,
  },
  {
    title: "broken YAML",
    config: "files:\n  env: [\n",
    exitCode: 78,
    message: /agent\.yaml:\d+:\d+: .*Correct the YAML/,
  },
  {
    title: "an unknown key",
    config: "profile: none\nwacth: {}\n",
    exitCode: 78,
    message: /agent\.yaml:2:1: unknown key wacth\. Did you mean watch\?/,
  },
  {
    title: "a configuration file that does not exist",
    argv: ["run", "--config", "/nonexistent.yaml"],
    exitCode: 78,
    message: /\/nonexistent\.yaml: ENOENT/,
  },
  {
    title: "a template that does not exist",
    config: { files: { x: { template: "x.hbs", path: "/tmp/x" } } },
    exitCode: 78,
    message: /files\.x\.template: x\.hbs: there is no such template/,
  },
  {
    title: "a template with an unknown name",
    prepare: (folder) => writeFile(path.join(folder, "own.hbs"), "{{#if REMOTELOG}}{{DBHOTS}}{{/if}}\n"),
    config: { files: { own: { template: "own.hbs", path: "/tmp/own" } } },
    exitCode: 78,
    message: /own\.hbs.*DBHOTS.*DBHOST/s,
  },
  {
    title: "a template that is none",
    prepare: (folder) => writeFile(path.join(folder, "own.hbs"), "{{#if DOMAIN}}\n"),
    config: { files: { own: { template: "own.hbs", path: "/tmp/own" } } },
    exitCode: 78,
    message: /own\.hbs/,
  },
  {
    title: "a missing directory",
    config: { files: { own: { template: "env.production.hbs", path: "/nonexistent/.env" } } },
    exitCode: 78,
    message: /\/nonexistent/,
  },
  {
    title: "an unwritable directory",
    prepare: (folder) => mkdir(path.join(folder, "closed"), { mode: 0o555 }),
    config: (folder) => ({
      files: { own: { template: "env.production.hbs", path: path.join(folder, "closed", ".env") } },
    }),
    withoutOverride: true,
    exitCode: 78,
    message: /closed.*(not writable|may not write|cannot be written|permission)/i,
  },
  {
    title: "a missing user",
    config: {
      files: { own: { template: "env.production.hbs", path: "/tmp/own", owner: "nobody-of-that-name" } },
    },
    exitCode: 78,
    message: /nobody-of-that-name/,
  },
  {
    title: "an empty key file",
    prepare: (folder) => key(folder, "secret.key", ""),
    exitCode: 78,
    message: /secret\.key: .*empty/,
  },
  {
    title: "a malformed key file",
    prepare: (folder) => key(folder, "otp.key", "short\n"),
    exitCode: 78,
    message: /otp\.key/,
  },
  {
    title: "keys outside the persistent mount",
    config: { keys: { require_mount: "/nonexistent-mount" } },
    exitCode: 78,
    message: /nonexistent-mount/,
  },
  {
    title: "a live .env.production with other keys",
    prepare: async (folder) => {
      await key(folder, "secret.key", GOOD_KEY_LINE);
      await writeFile(path.join(folder, ".env.production"), `SECRET_KEY_BASE=${"f".repeat(128)}\n`);
    },
    exitCode: 78,
    message: /secret\.key.*keys adopt/s,
  },
  {
    title: "an HTTP address that is taken by nobody's interface",
    config: { http: "203.0.113.1:9899" },
    exitCode: 78,
    message: /http: 203\.0\.113\.1:9899/,
  },
];

test.each(table)(
  "$title: one message, exit code $exitCode, nothing changed on disk",
  async ({ environment, config, argv, prepare, withoutOverride, exitCode, message }) => {
    await using folder = await temporaryFolder("bad-input");
    await prepare?.(folder.path);
    const configFile = folder.file("agent.yaml");
    await writeFile(
      configFile,
      typeof config === "string"
        ? config
        : stringify({ ...goodConfig(folder.path), ...overrides(config, folder.path) }),
    );
    const before = await everythingIn(folder.path);

    const env = {
      PATH: process.env["PATH"] ?? "",
      ...JAIL,
      ...HOSTS,
      CONSUL_HTTP_ADDR: "127.0.0.1:1",
      ...environment,
    };
    const whole = [process.execPath, AGENT, ...(argv ?? ["run", "--config", configFile])];
    const isRoot = process.getuid?.() === 0;
    const [program = "", ...rest] = withoutOverride && isRoot ? [...WITHOUT_OVERRIDE, ...whole] : whole;
    await using running = await start(program, rest, { onlyEnv: env });
    const exit = await running.exited;

    expect(running.output()).toMatch(message);
    expect(exit.code).toBe(exitCode);
    expect(running.output(), "no stack of ours").not.toMatch(/\n\s+at .*\.ts/);
    for (const secret of ["db-secret-1", "mail-secret-1", "bucket-secret-1", JAIL.GOSSIPKEY])
      expect(running.output()).not.toContain(secret);
    const after = await everythingIn(folder.path);
    expect(after.filter(([name]) => !name.startsWith("state"))).toEqual(before);
  },
);

test("an unreadable secret file of another user is refused", async () => {
  await using folder = await temporaryFolder("bad-input");
  await mkdir(folder.file("secret"));
  await chmod(folder.file("secret"), 0o000);
  const env = { PATH: process.env["PATH"] ?? "", ...JAIL, DBPASS: "", DBPASS_FILE: folder.file("secret") };
  await using running = await start(process.execPath, [AGENT, "check"], { onlyEnv: env });
  expect((await running.exited).code).toBe(78);
  expect(running.output()).toMatch(/DBPASS_FILE=.*secret: the file cannot be read/);
});

function overrides(
  config: Exclude<BadInput["config"], string>,
  folder: string,
): Readonly<Record<string, unknown>> {
  return typeof config === "function" ? config(folder) : (config ?? {});
}

function goodConfig(folder: string): Record<string, unknown> {
  return {
    profile: "none",
    paths: { keys: path.join(folder, "keys"), state: path.join(folder, "state"), mastodon: folder },
    keys: { require_mount: "" },
    files: { env: { template: "env.production.hbs", path: path.join(folder, ".env.production") } },
    http: "127.0.0.1:0",
  };
}

async function key(folder: string, name: string, content: string): Promise<void> {
  await mkdir(path.join(folder, "keys"), { mode: 0o700 });
  await writeFile(path.join(folder, "keys", name), content, { mode: 0o600 });
}

async function everythingIn(folder: string): Promise<readonly [string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const contents = await Promise.all(
    files.map(
      async (file): Promise<[string, string]> => [path.relative(folder, file), await readFile(file, "utf8")],
    ),
  );
  return contents.sort(([one], [other]) => one.localeCompare(other));
}
