import { inspect } from "node:util";
import { expect, test } from "vitest";
import { reveal } from "../../src/base/secret.ts";
import { NO_OWN_VARIABLES } from "../../src/settings/own-variables.ts";
import { type AcceptedEntry, readKv } from "../../src/sources/kv.ts";

test("reads shared settings, node settings and variables with their provenance", () => {
  const { shared, node } = read({
    "mastodon/settings/MAILHOST": "smtp.example.org",
    "mastodon/nodes/jail1/settings/MAILHOST": "smtp2.example.org",
    "mastodon/env/SINGLE_USER_MODE": "True",
  });
  expect(shared.settings.get("MAILHOST")).toEqual({
    level: "shared",
    value: "smtp.example.org",
    where: "mastodon/settings/MAILHOST",
    index: 7,
  });
  expect(node.settings.get("MAILHOST")?.value).toBe("smtp2.example.org");
  expect(shared.variables.get("SINGLE_USER_MODE")?.value).toBe("true");
});

test("leaves other nodes' keys and folders alone", () => {
  const { node, refusals } = read({
    "mastodon/nodes/jail2/settings/NONSENSE": "x",
    "mastodon/nodes/jail2/settings/MAILHOST/": "smtp.example.org",
    "mastodon/settings/": "",
    "mastodon/nodes/": "",
    "mastodon/nodes/jail1/": "",
  });
  expect(node.settings.size).toBe(0);
  expect(refusals).toEqual([]);
});

const refusals: [title: string, key: string, value: string | Buffer, message: RegExp][] = [
  [
    "an unknown setting, with the nearest known one",
    "settings/DBHOTS",
    "x",
    /unknown setting DBHOTS.*Did you mean DBHOST\?/,
  ],
  [
    "an unknown variable, with the nearest known one",
    "env/SINGLE_USER_MOD",
    "true",
    /Did you mean SINGLE_USER_MODE\?/,
  ],
  ["a variable put as a setting", "settings/DB_HOST", "x", /variable, not a setting.*settings\/DBHOST/],
  [
    "a setting's variable, with the setting to put",
    "env/DB_HOST",
    "db.example.org",
    /fed by the setting DBHOST.*settings\/DBHOST/,
  ],
  ["a pinned key", "env/SECRET_KEY_BASE", "x", /pinned key/],
  ["a variable that overrides the endpoint", "env/DATABASE_URL", "postgres://x", /override DB_HOST/],
  ["a path", "env/SMTP_CA_FILE", "/etc/passwd", /paths cannot be set/],
  ["what is needed to join", "settings/GOSSIPKEY", "x", /needed to reach Consul/],
  ["a key of an unknown kind", "DBHOST", "x", /not know this key.*settings\/<SETTING>/],
  [
    "a misspelt folder, with the nearest",
    "setings/MAILHOST",
    "x",
    /unknown folder setings;.*Did you mean settings\?/,
  ],
  ["a misspelt folder of nodes", "node/jail1/env/LOG_LEVEL", "info", /folder node;.*Did you mean nodes\?/],
  ["a misspelt folder of this node's", "nodes/jail1/controls/hold", "x", /folder controls;.*mean control\?/],
  ["a key that is too deep", "settings/DBHOST/x", "x", /not know this key/],
  ["an unknown control", "control/holt", "x", /Did you mean hold\?/],
  ["an unacceptable value, with an example", "settings/DBPORT", "70000", /from 1 to 65535.*Example: 5432/],
  ["a command substitution as a host", "settings/DBHOST", "$(id)", /host name/],
  ["a network that is none", "env/TRUSTED_PROXY_IP", "10.0.0.0/33,dead", /a network.*Example: 10\.0\.0\.1,/],
  ["a number of YAML's as a host", "settings/MAILHOST", "0x1f", /email\.yml.*Example: smtp\.example\.org/],
  ["a line break, with the usual cause", "settings/MAILUSER", "me\n", /line break.*@file.*printf %s/],
  [
    "a blank at the end",
    "settings/DBHOST",
    "db.example.org ",
    /ends with a blank.*printf %s VALUE \| consul kv put/,
  ],
  ["a blank at the beginning", "settings/DBPORT", " 5432", /begins with a blank.*Example: 5432/],
  ["a byte order mark, even in a password", "settings/DBPASS", "\uFEFFsecret", /byte order mark.*printf %s/],
  [
    "a key with a slash at its end",
    "settings/MAILHOST/",
    "smtp.example.org",
    /folder.*Put it as mastodon\/settings\/MAILHOST,/,
  ],
  [
    "the same for this node",
    "nodes/jail1/control/hold/",
    "x",
    /Put it as mastodon\/nodes\/jail1\/control\/hold,/,
  ],
  ["an address that is every address", "settings/DBHOST", "0.0.0.0", /not 0\.0\.0\.0 or ::/],
  [
    "an empty value, with an example and what to do instead",
    "settings/DBPORT",
    "",
    /empty.*delete the key.*Example: 5432$/,
  ],
  [
    "invalid UTF-8, with an example",
    "settings/MAILUSER",
    Buffer.from([0xff, 0xfe]),
    /not valid UTF-8.*Example: mastodon@example\.org/,
  ],
  ["a value of 400 KB", "settings/MAILPASS", "x".repeat(400_000), /at most 1024 characters/],
];

test.each(refusals)("refuses %s", (_, key, value, message) => {
  const { refusals, shared } = read({ [`mastodon/${key}`]: value });
  const [refusal] = refusals;
  expect(refusals).toHaveLength(1);
  expect(refusal?.complaint.where).toBe(`mastodon/${key}`);
  expect(`${refusal?.complaint.what}. ${refusal?.complaint.cure}`).toMatch(message);
  expect(shared.settings.size + shared.variables.size).toBe(0);
});

test("keeps the previous good value of a key whose new value is refused, and applies the rest", () => {
  const accepted = [{ key: "mastodon/settings/DBPORT", value: "6432", modifyIndex: 3 }];
  const { shared, refusals } = read(
    { "mastodon/settings/DBPORT": "many", "mastodon/settings/DBHOST": "10.0.0.9" },
    accepted,
  );
  expect(shared.settings.get("DBPORT")).toMatchObject({ value: "6432", index: 3 });
  expect(shared.settings.get("DBHOST")?.value).toBe("10.0.0.9");
  expect(refusals[0]?.complaint.what).toMatch(/previous good value stays/);
});

test("forgets an accepted value when its key is deleted", () => {
  const accepted = [{ key: "mastodon/settings/DBPORT", value: "6432", modifyIndex: 3 }];
  expect(read({}, accepted).shared.settings.has("DBPORT")).toBe(false);
});

test("never shows a secret's value, accepted or refused", () => {
  const snapshot = read({
    "mastodon/settings/DBPASS": "hunter2hunter2",
    "mastodon/settings/MAILPASS": "hunter2\nhunter2",
  });
  expect(inspect(snapshot.shared, { depth: 9 }) + inspect(snapshot.refusals, { depth: 9 })).not.toContain(
    "hunter2",
  );
  const value = snapshot.shared.settings.get("DBPASS")?.value;
  expect(value && reveal(value)).toBe("hunter2hunter2");
});

test.each([
  ["", undefined],
  ["0", undefined],
  ["false", undefined],
  ["migrating", "migrating"],
])("control/hold %j holds for the reason %j", (value, reason) => {
  for (const key of ["mastodon/control/hold", "mastodon/nodes/jail1/control/hold"])
    expect(read({ [key]: value }).hold).toEqual(
      reason === undefined ? undefined : { key, reason, keys: [key], modifyIndex: 7 },
    );
});

test("if both hold, the node's reason counts and both keys have to go", () => {
  const both = { "mastodon/control/hold": "all of us", "mastodon/nodes/jail1/control/hold": "this one" };
  expect(read(both).hold).toEqual({
    key: "mastodon/nodes/jail1/control/hold",
    reason: "this one",
    keys: ["mastodon/nodes/jail1/control/hold", "mastodon/control/hold"],
    modifyIndex: 7,
  });
});

test("control/hold with bytes that are not text holds all the same, and says that it cannot be read", () => {
  const hold = { "mastodon/control/hold": Buffer.from([0xff, 0xfe]) };
  expect(read(hold).hold?.reason).toBe(
    "the value of mastodon/control/hold cannot be read, it is not valid UTF-8",
  );
  const ofNode = { "mastodon/nodes/jail1/control/hold": Buffer.from([0xff]) };
  expect(read({ ...ofNode, "mastodon/control/hold": "false" }).hold?.reason).toMatch(/jail1.*cannot be read/);
});

test("keeps the reload tokens of the two scopes apart, and an absent one is no token", () => {
  expect(read({}).reload).toEqual({});
  expect(read({ "mastodon/control/reload": "a" }).reload).toEqual({ shared: "a" });
  expect(read({ "mastodon/nodes/jail1/control/reload": "a" }).reload).toEqual({ node: "a" });
  expect(
    read({ "mastodon/control/reload": "a", "mastodon/nodes/jail1/control/reload": " b" }).reload,
  ).toEqual({ shared: "a", node: " b" });
});

test("any bytes are a reload token, and other bytes are another token", () => {
  const tokens = ["", "\0", [0xff], [0xff, 0xfe], [0xef, 0xbf, 0xbd]].map((bytes) => {
    const { reload, refusals } = read({ "mastodon/control/reload": Buffer.from(bytes) });
    expect(refusals).toEqual([]);
    return reload.shared;
  });
  expect(tokens).not.toContain(undefined);
  expect(new Set(tokens).size).toBe(tokens.length);
});

function read(values: Record<string, string | Buffer>, accepted: AcceptedEntry[] = []) {
  const entries = Object.entries(values).map(([key, value]) => ({
    key,
    value: Buffer.from(value),
    modifyIndex: 7,
  }));
  return readKv(entries, { prefix: "mastodon", node: "jail1", own: NO_OWN_VARIABLES, accepted });
}
