import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { mayMount } from "../faults/fixtures/small-disk.ts";
import { AGENT, HOSTS, JAIL } from "../world/agent.ts";
import { freePorts } from "../world/ports.ts";
import { run } from "../world/spawn.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

/** What journalctl tells of an entry. */
interface Entry {
  readonly PRIORITY: string;
  readonly MESSAGE: string;
}

// Its own journal needs its own /run.
if (mayMount()) {
  test("under systemd's journal each line has its level as its priority, and is JSON as everywhere", async () => {
    await using folder = await temporaryFolder("journal");
    await configure(folder);
    const entries = await journalOf(
      folder,
      `"$@" & until journalctl -o cat -t agent | grep -q '"msg":"problem"'; do sleep 0.1; done; kill $!; wait`,
    );
    const lines = entries.map(({ PRIORITY, MESSAGE }) => `${PRIORITY} ${JSON.parse(MESSAGE).level}`);
    expect(new Set(lines)).toEqual(new Set(["6 info", "4 warn"]));
  });

  test("a start that is refused is an error in the journal, line by line", async () => {
    await using folder = await temporaryFolder("journal");
    await configure(folder, { GOSSIPKEY: "", DATACENTER: "" });
    const entries = await journalOf(folder, `"$@"`);
    expect(entries.map(({ PRIORITY }) => PRIORITY)).toEqual(["3", "3"]);
    expect(entries.map(({ MESSAGE }) => MESSAGE).join("\n")).toMatch(
      /^mastodon-agent: DATACENTER: not set .*\nGOSSIPKEY: not set /,
    );
  });
}

test("lines are plain where the journal reads something else", async () => {
  await using folder = await temporaryFolder("journal");
  await configure(folder, { GOSSIPKEY: "" });
  const script = `JOURNAL_STREAM=1:1 "$@" 2>&1 || true`;
  const output = await run("sh", [
    "-c",
    script,
    "sh",
    process.execPath,
    AGENT,
    "run",
    "--config",
    folder.file("agent.yaml"),
  ]);
  expect(output).toMatch(/^mastodon-agent: GOSSIPKEY: not set /);
});

/** The entries of one command: a real journald, and the variable that systemd sets for its services. */
async function journalOf(folder: TemporaryFolder, script: string): Promise<readonly Entry[]> {
  await writeFile(
    folder.file("command"),
    `exec 3>&1\nexport JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/3)\nexec 3>&-\n${script}\n`,
  );
  const journal = `
    mount -t tmpfs tmpfs /run
    mkdir -p /run/log/journal /run/systemd/journal
    /usr/lib/systemd/systemd-journald >/dev/null 2>&1 &
    daemon=$!
    until [ -S /run/systemd/journal/stdout ]; do sleep 0.1; done
    systemd-cat -t agent sh "$@"
    journalctl --sync
    journalctl -t agent -o json --output-fields=PRIORITY,MESSAGE
    kill $daemon`;
  const command = [process.execPath, AGENT, "run", "--config", folder.file("agent.yaml")];
  const output = await run("unshare", [
    "-m",
    "--propagation",
    "private",
    "sh",
    "-c",
    journal,
    "sh",
    folder.file("command"),
    ...command,
  ]);
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** An agent without a Consul to talk to. */
async function configure(
  folder: TemporaryFolder,
  changes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [httpPort, consulPort] = await freePorts(2);
  const given = { ...JAIL, ...HOSTS, CONSUL_HTTP_ADDR: `127.0.0.1:${consulPort}`, ...changes };
  const lines = Object.entries(given).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(folder.file("environment"), lines, { mode: 0o600 });
  const config = {
    profile: "none",
    environment: folder.file("environment"),
    paths: { keys: folder.file("keys"), state: folder.file("state"), mastodon: folder.path },
    keys: { require_mount: "" },
    http: `127.0.0.1:${httpPort}`,
  };
  await writeFile(folder.file("agent.yaml"), JSON.stringify(config));
}
