import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { reveal, Secret } from "../../src/base/secret.ts";
import { readEnvironment } from "../../src/sources/environment.ts";
import { temporaryFolder } from "../world/temporary.ts";

const JOIN = {
  DATACENTER: "dc1",
  IP: "10.0.0.5",
  NODENAME: "jail1",
  CONSULSERVERS: "10.0.0.2",
  GOSSIPKEY: "pUqJrVyVRj5jsiYEkM/tFQ==",
};

test("reads the jail's parameters, secrets as secrets", () => {
  const { settings } = readEnvironment({ ...JOIN, DBPASS: "hunter2", DBPORT: "05432", HOME: "/root" });
  expect(settings.get("DBPASS")?.value).toBeInstanceOf(Secret);
  expect(settings.get("DBPORT")).toEqual({ level: "environment", value: "5432", where: "DBPORT" });
});

test("counts an empty variable as unset", () => {
  expect(readEnvironment({ ...JOIN, REMOTELOG: "" }).settings.has("REMOTELOG")).toBe(false);
});

test("accepts the later flavour's spellings", () => {
  const { settings } = readEnvironment({
    ...JOIN,
    S3HOSTNAME: "minio.example.org",
    S3PORT: "9000",
    S3UPNOSSL: "YES",
  });
  expect(settings.get("BUCKETHOST")?.value).toBe("minio.example.org");
  expect(settings.get("BUCKETPORT")?.value).toBe("9000");
  expect(settings.get("BUCKETSCHEME")).toMatchObject({ value: "http", where: "S3UPNOSSL" });
});

const agreeing: [string, Record<string, string>, string][] = [
  ["BUCKETHOST", { BUCKETHOST: "s3.example.org", S3HOSTNAME: "S3.example.org." }, "s3.example.org"],
  ["BUCKETPORT", { BUCKETPORT: "0443", S3PORT: "443" }, "443"],
  ["BUCKETSCHEME", { BUCKETSCHEME: "http", S3UPNOSSL: "on" }, "http"],
];

test.each(agreeing)("accepts two names of %s that agree in two spellings", (name, environment, value) => {
  expect(readEnvironment({ ...JOIN, ...environment }).settings).toContainEqual([
    name,
    { level: "environment", value, where: name },
  ]);
});

test.each([
  ...["1", "true", "yes", "On"].map((word) => [word, "http"] as const),
  ...["0", "FALSE", "no", "off"].map((word) => [word, "https"] as const),
])("S3UPNOSSL=%s is %s", (word, scheme) => {
  expect(readEnvironment({ ...JOIN, S3UPNOSSL: word }).settings.get("BUCKETSCHEME")?.value).toBe(scheme);
});

test("reads a secret from the file that X_FILE names, without its final line break", async () => {
  await using directory = await temporaryFolder();
  const file = directory.file("dbpass");
  await writeFile(file, "hunter2\n");
  const wish = readEnvironment({ ...JOIN, DBPASS_FILE: file }).settings.get("DBPASS");
  expect(wish && reveal(wish.value)).toBe("hunter2");
  expect(wish?.where).toBe(`DBPASS_FILE=${file}`);
});

const refused: [string, Record<string, string>, RegExp][] = [
  [
    "both X and X_FILE",
    { DBPASS: "x", DBPASS_FILE: "/x" },
    /DBPASS and DBPASS_FILE: both are set\. Keep one/,
  ],
  [
    "a file that cannot be read",
    { DBPASS_FILE: "/nonexistent/dbpass" },
    /DBPASS_FILE=\/nonexistent\/dbpass: the file cannot be read/,
  ],
  [
    "a malformed value",
    { DBPORT: "many" },
    /DBPORT: not acceptable: expected a whole number from 1 to 65535\. Example: 5432/,
  ],
  ["a blank at the end", { DBHOST: "db.example.org " }, /DBHOST: not acceptable: .*ends with a blank/],
  ["a byte order mark in a secret", { DBPASS: "\uFEFFx" }, /DBPASS: not acceptable: .*byte order mark/],
  ["an unset gossip key", { GOSSIPKEY: "" }, /GOSSIPKEY: not set.*consul keygen/],
  [
    "a gossip key of 31 bytes",
    { GOSSIPKEY: Buffer.alloc(31).toString("base64") },
    /GOSSIPKEY: not acceptable: expected base64 of 16, 24 or 32 bytes/,
  ],
  [
    "servers with spaces",
    { CONSULSERVERS: "10.0.0.2, 10.0.0.3" },
    /CONSULSERVERS: not acceptable.*without spaces/,
  ],
  [
    "an alias that contradicts",
    { BUCKETHOST: "a.example", S3HOSTNAME: "b.example" },
    /two names for one setting and differ/,
  ],
  [
    "a word for S3UPNOSSL that is neither yes nor no",
    { S3UPNOSSL: "https" },
    /^S3UPNOSSL: not acceptable: expected true, yes, on or 1 .* or false, no, off or 0\. Example: true$/,
  ],
  ["a malformed alias by its own name", { BUCKETPORT: "443", S3PORT: "many" }, /^S3PORT: not acceptable/],
];

test.each(refused)("refuses %s", (_, environment, message) => {
  expect(() => readEnvironment({ ...JOIN, ...environment })).toThrow(message);
});

test("names everything that is wrong at once, and no value", () => {
  const attempt = () => readEnvironment({ DBPORT: "hunter2", DATACENTER: "dc1" });
  expect(attempt).toThrow(
    /IP: not set[\s\S]*NODENAME: not set[\s\S]*GOSSIPKEY: not set[\s\S]*DBPORT: not acceptable/,
  );
  expect(attempt).not.toThrow(/hunter2/);
});
