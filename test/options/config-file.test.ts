import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Misconfigured } from "../../src/base/errors.ts";
import { readConfig } from "../../src/options/config-file.ts";
import { configJsonSchema } from "../../src/options/json-schema.ts";
import { PROFILE_NAMES, PROFILE_UNITS, profileDefaults } from "../../src/options/profiles.ts";
import { temporaryFolder } from "../world/temporary.ts";

test("an absent file at the default place means the potluck profile", () => {
  const config = readConfig(undefined);
  expect(config.files["env"]?.path).toBe("/usr/local/www/mastodon/.env.production");
  expect(Object.keys(config.units)).toEqual(["sidekiq", "web", "streaming", "nginx", "syslog-ng", "consul"]);
  expect(config).toMatchObject({
    settle: { min: 250, max: 2000 },
    reload: { min_interval: 30_000 },
    http: { host: "127.0.0.1", port: 9899 },
  });
});

test.each([
  ["potluck", ["mastodon", "node-exporter"]],
  ["systemd", []],
])("profile %s registers beside the agent's own services: %s", async (profile, also) => {
  expect((await read(`profile: ${profile}\n`)).announce).toMatchObject({ enabled: true, also });
});

test("merges the user's keys over the profile's, and null removes an entry", async () => {
  const config = await read(
    "paths: { mastodon: /srv/mastodon }\nfiles: { nginx: null }\nunits: { web: { health: { tcp: 127.0.0.1:3000 } } }\n",
  );
  expect(config.files["nginx"]).toBeUndefined();
  expect(config.files["env"]?.path).toBe("/srv/mastodon/.env.production");
  expect(config.units["web"]?.start).toEqual([{ run: ["service", "mastodon_web", "onestart"] }]);
});

test.each([
  ["http://10.0.0.7:18500", "10.0.0.7:18500"],
  ["https://[::1]", "[::1]:443"],
  ["http://consul.example.org", "consul.example.org:80"],
])("looks for the Consul client where %s points", async (address, tcp) => {
  const config = await read(`consul: { address: "${address}" }\n`);
  expect(config.units["consul"]?.health).toEqual({ tcp, timeout: 30_000 });
});

test("profile none has only what is listed", async () => {
  const config = await read("profile: none\n");
  expect([config.files, config.units, config.consul.agent]).toEqual([{}, {}, "external"]);
});

const TEN = (alias: string) => `[${Array(10).fill(alias).join(", ")}]`;
const GIANT = `values:\n  a: &a ${TEN("x")}\n  b: &b ${TEN("*a")}\n  c: ${TEN("*b")}\n`;

const refused: [title: string, text: string, message: RegExp][] = [
  ["broken YAML, with line and column", "consul:\n  agent: [unit\n", /:\d+:\d+: .*Correct the YAML/],
  [
    "an unknown key, with its place and the nearest known one",
    "consul:\n  agnet: child\n",
    /agent\.yaml:2:\d+: unknown key consul\.agnet\. Did you mean agent\?/,
  ],
  ["an unknown key at the top", "unit: {}\n", /agent\.yaml:1:\d+: unknown key unit\. Did you mean units\?/],
  [
    "a value of the wrong kind, with its place",
    "log:\n  level: loud\n",
    /agent\.yaml:2:10: log\.level: .*\bdebug\b/,
  ],
  ["a port that is none", "http: 127.0.0.1:99899\n", /agent\.yaml:1:7: http: must be "address:port"/],
  [
    "a file for an unknown setting, with the nearest one",
    "files:\n  env: { when: REMOTLOG }\n",
    /agent\.yaml:2:16: files\.env\.when: unknown name REMOTLOG\. Did you mean REMOTELOG\?/,
  ],
  [
    "a variable that is not a path on this machine, with those that are",
    "variables: { SMTP_CA_FIEL: /x }\n",
    /agent\.yaml:1:\d+: variables\.SMTP_CA_FIEL: no path .*did you mean SMTP_CA_FILE\?.*\{ secret: false, units: \[web, sidekiq\] \}/,
  ],
  [
    "a path that is none",
    "variables: { FFMPEG_BINARY: ffmpeg }\n",
    /agent\.yaml:1:\d+: variables\.FFMPEG_BINARY: must be an absolute path/,
  ],
  [
    "a variable of its own that a loader acts on",
    "variables: { LD_PRELOAD: { secret: true } }\n",
    /agent\.yaml:1:\d+: variables\.LD_PRELOAD: .*a loader, a shell, an interpreter/,
  ],
  [
    "a variable of its own for a unit that there is not",
    "variables: { MAX_TOOT_CHARS: { units: [wep] } }\n",
    /variables\.MAX_TOOT_CHARS/,
  ],
  [
    "an unknown key of a variable of its own",
    "variables: { MAX_TOOT_CHARS: { secrte: true } }\n",
    /unknown key variables\.MAX_TOOT_CHARS\.secrte\. Did you mean secret\?/,
  ],
  [
    "an unknown key where there is a choice of groups",
    "units: { web: { health: { tcp: 127.0.0.1:1, tiemout: 5s } } }\n",
    /unknown key units\.web\.health\.tiemout\. Did you mean timeout\?/,
  ],
  [
    "an unknown key in a step",
    "units: { web: { reload: [{ run: [reload], tiemout: 5s }] } }\n",
    /unknown key units\.web\.reload\.0\.tiemout\. Did you mean timeout\?/,
  ],
  [
    "an unknown key in a group that may be absent",
    "gate: { run: [a], tiemout: 5s }\n",
    /unknown key gate\.tiemout\. Did you mean timeout\?/,
  ],
  [
    "the prefix that agents write below",
    "watch:\n  prefix: mastodon-agent\n",
    /agent\.yaml:2:11: watch\.prefix: must not be mastodon-agent or below it, where agents write/,
  ],
  [
    "a prefix below it",
    "watch: { prefix: mastodon-agent/social.example.org }\n",
    /watch\.prefix: must not be/,
  ],
  ["a duration without a unit", "settle: { min: 5 }\n", /settle\.min/],
  [
    "a duration too long for a timer",
    "gate: { run: [true-or-false], timeout: 600h }\n",
    /agent\.yaml:1:\d+: gate\.timeout: must be at most 24 days/,
  ],
  [
    "the same in a step",
    "units: { web: { reload: [{ run: [reload], timeout: 577h }] } }\n",
    /units\.web\.reload\.0.*: must be (at most 24 days|one of)/,
  ],
  [
    "an announcement that is never valid",
    "announce:\n  ttl: 0s\n",
    /agent\.yaml:2:8: announce\.ttl: must be at least 1s/,
  ],
  [
    "a burst that must be over before it may be",
    "settle:\n  min: 5s\n  max: 1s\n",
    /agent\.yaml:2:8: settle\.min: must not be longer than settle\.max/,
  ],
  [
    "the same where only one of them is in the file",
    "settle:\n  max: 100ms\n",
    /agent\.yaml:2:3: settle\.min: must not be longer/,
  ],
  [
    "a step of no known kind",
    "units:\n  web:\n    reload: [{ shell: rm }]\n",
    /units\.web\.reload\.0: must be one of/,
  ],
  ["a check that does not name the file", "files: { env: { check: [true] } }\n", /files\.env\.check/],
  ["a file that is not a mapping of keys", "- a\n- b\n", /not a mapping of keys/],
  [
    "the same where certificates are ordered",
    "certificates:\n  listen: '[::]:65536'\n",
    /agent\.yaml:2:11: certificates\.listen: must be "address:port", the port at most 65535/,
  ],
  [
    "the same in a health check",
    "units: { web: { health: { tcp: 127.0.0.1:99999 } } }\n",
    /agent\.yaml:1:\d+: units\.web\.health.*: must be "host:port", the port at most 65535/,
  ],
  [
    "an alias without an anchor",
    "profile: none\nhttp: *nope\n",
    /agent\.yaml:2:7: the alias \*nope has no anchor before it\. Write out the value/,
  ],
  [
    "an alias to what it is in",
    "values: &all\n  more: *all\n",
    /agent\.yaml:2:9: the alias \*all contains itself/,
  ],
  ["aliases that make a giant of a small file", GIANT, /agent\.yaml: .*alias.*Write out the value/],
  ["a mode that is no octal number", "files: { env: { mode: 640 } }\n", /files\.env\.mode/],
  [
    "a file for an unknown unit, with the nearest one",
    "files:\n  x: { template: x.hbs, path: /x, units: [webb] }\n",
    /agent\.yaml:2:\d+: files\.x\.units: there is no unit webb, .*\. Did you mean web\?/,
  ],
  [
    "two files with one path, naming both",
    "files:\n  x: { template: x.hbs, path: /usr/local/etc/./nginx/nginx.conf }\n",
    /agent\.yaml:2:\d+: files\.nginx\.path and files\.x\.path: both are \/usr\/local\/etc\/nginx\/nginx\.conf\./,
  ],
  [
    "a file in place of the Consul client's",
    "files: { x: { template: x.hbs, path: /usr/local/etc/consul.d/agent.json } }\n",
    /files\.x\.path and consul\.config_file: both are/,
  ],
];

test.each(refused)("refuses %s", async (_, text, message) => {
  await expect(read(text)).rejects.toThrow(message);
  await expect(read(text)).rejects.toBeInstanceOf(Misconfigured);
});

test.each([
  [
    "is switched off",
    "units: { nginx: null }\nfiles: { x: { template: x.hbs, path: /x, units: [nginx] } }\n",
  ],
  [
    "of one's own is switched off",
    "units: { own: null }\nfiles: { x: { template: x.hbs, path: /x, units: [own] } }\n",
  ],
  ["is another profile's", "profile: systemd\nfiles: { x: { template: x.hbs, path: /x, units: [nginx] } }\n"],
  [
    "is the Consul client that somebody else runs",
    "profile: none\nfiles: { x: { template: x.hbs, path: /x, units: [consul] } }\n",
  ],
])("accepts a file for a unit that %s", async (_, text) => {
  expect((await read(text)).files["x"]?.units).toHaveLength(1);
});

test("the file of somebody else's Consul client is not written, so another file may have its path", async () => {
  const place = "{ template: x.hbs, path: /usr/local/etc/consul.d/agent.json }";
  expect((await read(`profile: none\nfiles: { x: ${place}, consul: ${place} }\n`)).files["x"]).toBeDefined();
});

test("knows the units of every profile", () => {
  for (const profile of PROFILE_NAMES)
    for (const unit of Object.keys(Object(profileDefaults(profile, {})["units"])))
      expect(PROFILE_UNITS).toContain(unit);
});

test("accepts a prefix that only begins like the one agents write below", async () => {
  expect((await read("watch: { prefix: mastodon-agents }\n")).watch.prefix).toBe("mastodon-agents");
});

test("names everything that is wrong at once", async () => {
  await expect(read("log: { level: loud }\nunit: {}\n")).rejects.toThrow(
    /log\.level[\s\S]*unknown key unit|unknown key unit[\s\S]*log\.level/,
  );
});

test("refuses a named file that does not exist", () => {
  expect(() => readConfig("/nonexistent/agent.yaml")).toThrow(/\/nonexistent\/agent\.yaml: ENOENT/);
});

test("its JSON Schema knows every key and requires none", () => {
  const schema = JSON.stringify(configJsonSchema());
  for (const key of ["profile", "require_mount", "config_file", "min_interval", "pidfile"])
    expect(schema).toContain(`"${key}"`);
  expect(JSON.parse(schema).required).toBeUndefined();
});

async function read(text: string) {
  await using folder = await temporaryFolder();
  const file = folder.file("agent.yaml");
  await writeFile(file, text);
  return readConfig(file);
}
