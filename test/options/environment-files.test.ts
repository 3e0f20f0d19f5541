import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readConfig } from "../../src/options/config-file.ts";
import { environmentFiles } from "../../src/options/environment-files.ts";
import { USUAL_ENVIRONMENT } from "../../src/options/profiles.ts";
import { temporaryFolder } from "../world/temporary.ts";

const [POT, BY_HAND] = ["/tmp/environment.sh", "/usr/local/etc/mastodon-agent.env"];

type Case = readonly [
  title: string,
  given: { option?: string; environment?: readonly string[]; profile?: "potluck" | "systemd" | "none" },
  there: readonly string[],
  read: readonly string[],
  namedBy: string,
];

const CASES: readonly Case[] = [
  ["the option before all", { option: "/a", environment: ["/b"] }, [POT], ["/a"], "--environment"],
  [
    "the configuration before the usual places, there or not",
    { environment: ["/b", "/c"] },
    [POT],
    ["/b", "/c"],
    "`environment` in /usr/local/etc/mastodon-agent.yaml",
  ],
  ["none where the configuration says so", { environment: [] }, [POT], [], "`environment` in"],
  ["in a jail what pot wrote", {}, [POT, BY_HAND], [POT], "the profile potluck"],
  ["in a jail without pot the file made by hand", {}, [BY_HAND], [BY_HAND], "the profile potluck"],
  ["with systemd never a file in /tmp", { profile: "systemd" }, [POT, BY_HAND], [BY_HAND], "the profile"],
  ["nothing where nothing is there", {}, [], [], "the profile potluck"],
  ["nothing for a profile without usual places", { profile: "none" }, [POT, BY_HAND], [], "the profile none"],
];

test.each(CASES)("reads %s", (_, given, there, read, namedBy) => {
  const { option, environment, profile = "potluck" } = given;
  const config = { profile, ...(environment && { environment: [...environment] }) };
  const files = environmentFiles({ option, configFile: undefined, config }, (file) => there.includes(file));
  expect(files.read).toEqual(read);
  expect(files.namedBy).toContain(namedBy);
});

test("the configuration names one file or several, by absolute paths", async () => {
  await using folder = await temporaryFolder();
  const file = folder.file("agent.yaml");
  const environmentIn = async (text: string) => {
    await writeFile(file, text);
    return readConfig(file).environment;
  };
  expect(await environmentIn("environment: /a")).toEqual(["/a"]);
  expect(await environmentIn("environment: [/a, /b]")).toEqual(["/a", "/b"]);
  expect(await environmentIn("environment: []")).toEqual([]);
  expect(await environmentIn("")).toBe(undefined);
  await expect(environmentIn("environment: a.env")).rejects.toThrow("agent.yaml:1:14: environment: ");
});

test("the shipped configurations name the places that a command looks at by itself", async () => {
  const script = await readFile("packaging/freebsd/mastodon_agent", "utf8");
  for (const place of USUAL_ENVIRONMENT.potluck) expect(script).toContain(place);
  expect(readConfig("packaging/systemd/mastodon-agent.yaml").environment).toEqual(USUAL_ENVIRONMENT.systemd);
});
