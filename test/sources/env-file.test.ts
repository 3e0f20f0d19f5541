import { chmod, chown, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { reveal } from "../../src/base/secret.ts";
import { parseEnvFile, withEnvFiles } from "../../src/sources/env-file.ts";
import { type Environment, readEnvironment } from "../../src/sources/environment.ts";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

const JOIN = [
  `export "DATACENTER=dc1"`,
  `export "IP=10.0.0.5"`,
  `export "NODENAME=jail1"`,
  `export "CONSULSERVERS=10.0.0.2,10.0.0.3"`,
  `export "GOSSIPKEY=pUqJrVyVRj5jsiYEkM/tFQ=="`,
];

const understood: [string, string][] = [
  ['export "X=a b"', "a b"],
  ["export X=a", "a"],
  ["X=a", "a"],
  ['X="a b"', "a b"],
  ["export X='a b'", "a b"],
  ["'X=a b'", "a b"],
  ["  export   X=a  ", "a"],
  ["X=", ""],
  ['X="a" # why', "a"],
  ["X=a # why", "a"],
  ["X=a#b", "a#b"],
  ['X="a # b"', "a # b"],
  ['X="a=b"', "a=b"],
  ['export "X=say \\"hi\\""', 'say "hi"'],
  ['export "X=$HOME `id` $(id) \\n \\\\"', "$HOME `id` $(id) \\n \\\\"],
  ["X='$HOME \\\" \"'", '$HOME \\" "'],
];

test.each(understood)("reads %s", (line, value) => {
  expect(parseEnvFile(`# first\n\n${line}\r\nY=1\n`)).toEqual({
    variables: new Map([
      ["X", { text: value, line: 3 }],
      ["Y", { text: "1", line: 4 }],
    ]),
    unreadable: [],
  });
});

const notUnderstood = [
  "hunter2",
  "export DBPASS",
  'export "DBPASS=hunter2',
  'hunter2"',
  "DBPASS=hunter2 hunter3",
  "DBPASS=hunter2$HOME",
  "DBPASS=`hunter2`",
  "DBPASS=hunter2\\!",
  "DBPASS='hunter2'\\''hunter3'",
  'DBPASS="hunter2""hunter3"',
  "DBPASS=hunter2;id",
  "1X=hunter2",
  "DB PASS=hunter2",
  "DBPASS =hunter2",
  'DBPASS="hunter2\u0000"',
];

test.each(notUnderstood)("does not guess what %j means", async (line) => {
  await using folder = await temporaryFolder();
  const file = await written(folder, ["A=1", line, "B=2", line]);
  const attempt = () => withOne({}, file);
  expect(attempt).toThrow(
    new RegExp(`^${file}:2: not a line that the agent can read[^]*${file}:4: not a line`),
  );
  expect(attempt).not.toThrow(/hunter/);
});

test("returns exactly what was given to pot set-env, whatever it is", async () => {
  const values = [
    "plain",
    "two words",
    `all of !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`,
    'a"b',
    'a\\"b',
    'a\\\\"b\\',
    "ends in a backslash\\",
    'ends in a quote"',
    '"',
    "\\",
    '\\" # no comment',
    "$(id) `id` $HOME",
    "ünïcödé",
  ];
  // What pot's set-env and start do to a value (share/pot/set-env.sh, start.sh), done by the same programs.
  const pot = `for value; do
    printf 'pot.env="%s"\\n' "$(printf '%s\\n' "X=$value" | sed 's%"%\\\\"%g')"
  done | sed 's/^pot.env=/export /g'`;
  const lines = (await run("sh", ["-c", pot, "sh", ...values])).trimEnd().split("\n");
  expect(lines).toHaveLength(values.length);
  expect(lines.map((line) => parseEnvFile(line).variables.get("X")?.text)).toEqual(values);
});

test("reads what a shell would read if it expanded nothing", async () => {
  await using folder = await temporaryFolder();
  const lines = understood.map(([line]) => line).filter((line) => !line.includes("$HOME `"));
  for (const line of lines) {
    const file = await written(folder, [line.trim()]);
    // A line that is quoted as a whole is pot's, and only `export` makes an assignment of that.
    const script = line.startsWith("'") ? `export ${line}` : `. ${file}`;
    const seen = await run("sh", ["-c", `${script}; printf '%s' "$X"`]);
    expect(parseEnvFile(line).variables.get("X")?.text, line).toBe(seen);
  }
});

test("ignores pot's own variables, in pot's spelling", () => {
  const lines = ["export _POT_NAME=mastodon", "export _POT_IP_LIST=_POT_IP_0\\ _POT_IP_1", "export X=1"];
  expect(parseEnvFile(lines.join("\n"))).toEqual({
    variables: new Map([["X", { text: "1", line: 3 }]]),
    unreadable: [],
  });
});

test("of two lines with the same name the later one counts", () => {
  expect(parseEnvFile("X=1\nX=2\n").variables.get("X")).toEqual({ text: "2", line: 2 });
});

test("knows the line of the file that a setting comes from", async () => {
  await using folder = await temporaryFolder();
  const file = await written(folder, [...JOIN, `export "DBHOST=10.0.0.7"`]);
  const { environment, ...origins } = withOne({}, file);
  expect(readEnvironment(environment, origins).settings.get("DBHOST")).toEqual({
    level: "environment",
    value: "10.0.0.7",
    where: `DBHOST (${file}:6)`,
  });
});

test("an exported variable takes precedence over the file, an empty one does not", async () => {
  await using folder = await temporaryFolder();
  const file = await written(folder, [...JOIN, "DBHOST=10.0.0.7", "REDISHOST=10.0.0.8"]);
  const { environment, ...origins } = withOne({ DBHOST: "10.0.0.9", REDISHOST: "" }, file);
  const { settings } = readEnvironment(environment, origins);
  expect(settings.get("DBHOST")).toMatchObject({ value: "10.0.0.9", where: "DBHOST" });
  expect(settings.get("REDISHOST")).toMatchObject({ value: "10.0.0.8", where: `REDISHOST (${file}:7)` });
});

test("reads the file that an X_FILE in the file names", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("dbpass"), "hunter2\n");
  const file = await written(folder, [...JOIN, `DBPASS_FILE=${folder.file("dbpass")}`]);
  const { environment, ...origins } = withOne({}, file);
  const wish = readEnvironment(environment, origins).settings.get("DBPASS");
  expect(wish && reveal(wish.value)).toBe("hunter2");
  expect(wish?.where).toBe(`DBPASS_FILE=${folder.file("dbpass")} (${file}:6)`);
});

test("refuses X in one place and X_FILE in the other", async () => {
  await using folder = await temporaryFolder();
  const file = await written(folder, [...JOIN, "DBPASS_FILE=/run/dbpass"]);
  const { environment, ...origins } = withOne({ DBPASS: "hunter2" }, file);
  expect(() => readEnvironment(environment, origins)).toThrow(
    `DBPASS and DBPASS_FILE (${file}:6): both are set. Keep one of them.`,
  );
});

test("refuses a missing file, and says what named it", () => {
  expect(() => withOne({}, "/nonexistent/environment.sh")).toThrow(
    "/nonexistent/environment.sh: there is no such file, though --environment names it. Create it, or name another.",
  );
});

test("of several files the later one wins, and each setting says which it is from", async () => {
  await using folder = await temporaryFolder();
  const [one, other] = [await written(folder, [...JOIN, "DBHOST=10.0.0.7"]), folder.file("more.env")];
  await writeFile(other, "DBHOST=10.0.0.8\n");
  const named = { read: [one, other], namedBy: "`environment`", searched: [one, other] };
  const { environment, ...origins } = withEnvFiles({}, named);
  const { settings } = readEnvironment(environment, origins);
  expect(settings.get("DBHOST")).toMatchObject({ value: "10.0.0.8", where: `DBHOST (${other}:1)` });
  expect(settings.get("IP")).toMatchObject({ where: `IP (${one}:2)` });
});

test("refuses a file that others may write", async () => {
  await using folder = await temporaryFolder();
  const file = await written(folder, JOIN);
  await chmod(file, 0o664);
  expect(() => withOne({}, file)).toThrow(`${file}: others may write to it. Only root or the agent's user`);
  await chmod(file, 0o640);
  expect(() => withOne({}, file)).not.toThrow();
});

// Only root gives files away.
if (process.geteuid?.() === 0) {
  test("refuses somebody else's file", async () => {
    await using folder = await temporaryFolder();
    const file = await written(folder, JOIN);
    await chown(file, 65534, 65534);
    expect(() => withOne({}, file)).toThrow(
      `${file}: it belongs to nobody, and root trusts only its own files and root's. If that is the agent's user, run this as that user: \`sudo -u nobody mastodon-agent ...\``,
    );
  });
}

function withOne(environment: Environment, file: string) {
  return withEnvFiles(environment, { read: [file], namedBy: "--environment", searched: [file] });
}

async function written(folder: TemporaryFolder, lines: readonly string[]): Promise<string> {
  const file = folder.file("environment.sh");
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}
