import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";

const PUTS = 4;

test("two nodes of a domain never reload web at the same time, and both end up with the newest value", async () => {
  await using consul = await startConsul();
  await using folder = await temporaryFolder("fleet");
  await using one = await startNode(consul, folder, "node1", "sleep 0.5");
  await using two = await startNode(consul, folder, "node2", "sleep 0.5");
  const boths = async (value: string) =>
    (await Promise.all([one, two].map((agent) => agent.variables()))).every(
      ({ SMTP_PORT }) => SMTP_PORT === value,
    );
  for (let count = 1; count <= PUTS; count++) {
    await consul.put("mastodon/settings/MAILPORT", String(10_000 + count));
    await until("both to have it", () => boths(String(10_000 + count)), 60_000);
  }
  await Promise.all([one.converged(), two.converged()]);
  const lines = await logOf(folder);
  expect(lines).toHaveLength(2 * 2 * PUTS);
  expect(overlaps(lines)).toEqual([]);
}, 120_000);

test("a node that waits says for which turn, who has it, since when and for what change", async () => {
  await using fleet = await secondWaits();
  const { gate, two } = fleet;
  const key = "mastodon-agent/social.example.org/lock";
  const next = await until("the holder to be known", async () => {
    const { next_change } = await two.status();
    return next_change?.waiting.kind === "turn" && next_change.waiting.holder !== null && next_change;
  });
  expect(next).toEqual({
    cause: expect.stringMatching(/^MAILPORT from mastodon\/nodes\/node2\/settings\/MAILPORT \(index \d+\)$/),
    waiting: { kind: "turn", key, holder: "node1", since: expect.stringMatching(/^\d{4}-.*Z$/) },
  });
  const { output } = await cli(two, ["status"]);
  expect(output).toMatch(
    /^next change +MAILPORT from mastodon\/nodes\/node2\/settings\/MAILPORT \(index \d+\); it has been waiting since [\d:]+ for this node's turn to reload; node1 has it \(mastodon-agent\/social\.example\.org\/lock\)/m,
  );
  expect((await cli(two, ["explain", "MAILPORT"])).output).toMatch(
    /^ {2}asked for: 10002, from node: .*\n {2}it has been waiting since .* node1 has it/m,
  );
  await writeFile(gate, "");
  expect((await two.converged()).next_change).toBeNull();
}, 120_000);

test("a node killed while it reloads does not keep the others from reloading", async () => {
  await using fleet = await secondWaits();
  const { folder, gate, one, two } = fleet;
  one.signal("SIGKILL");
  await one.exited();
  expect(await logOf(folder)).toEqual(["begin node1"]);
  await until("the second's turn", async () => (await logOf(folder)).includes("end node2"), 60_000);
  await two.converged();
  // What the killed one had begun is ended.
  await writeFile(gate, "");
  await until("the reload that was left behind", async () => (await logOf(folder)).includes("end node1"));
}, 120_000);

test("a node put on hold while it waits for its turn leaves the turn to the others", async () => {
  await using fleet = await secondWaits();
  const { consul, gate, one, two } = fleet;
  await consul.put("mastodon/nodes/node2/control/hold", "maintenance");
  await until("the hold", async () => (await two.status()).state === "held");
  await writeFile(gate, "");
  await one.converged();
  await consul.put("mastodon/nodes/node1/settings/MAILPORT", "10003");
  await until("the first's next turn", async () => (await one.variables())["SMTP_PORT"] === "10003");
  expect((await two.variables())["SMTP_PORT"]).toBe("25");
  await consul.delete("mastodon/nodes/node2/control/hold");
  await until("the second's turn", async () => (await two.variables())["SMTP_PORT"] === "10002");
}, 120_000);

/** Two nodes with a change for each. The first is in the middle of its reload until the gate is there, the second waits. */
async function secondWaits() {
  await using starting = new AsyncDisposableStack();
  const consul = starting.use(await startConsul());
  const folder = starting.use(await temporaryFolder("fleet"));
  const gate = folder.file("gate");
  const busy = `until [ -e ${gate} ]; do sleep 0.1; done`;
  const one = starting.use(await startNode(consul, folder, "node1", busy));
  const two = starting.use(await startNode(consul, folder, "node2", "true"));
  await consul.put("mastodon/nodes/node1/settings/MAILPORT", "10001");
  await until("the first to reload", async () => (await logOf(folder)).includes("begin node1"));
  await consul.put("mastodon/nodes/node2/settings/MAILPORT", "10002");
  await until("the second to wait", async () => (await two.status()).reason.includes("turn"));
  const release = starting.move();
  return { consul, folder, gate, one, two, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** Returns once it has made its first apply, which needs no lock; the log is empty then. */
async function startNode(
  consul: ConsulServer,
  folder: TemporaryFolder,
  node: string,
  busy: string,
): Promise<TestAgent> {
  const [log, keys] = [folder.file("log"), folder.file("keys")];
  const reload = `echo begin ${node} >> ${log}; ${busy}; echo end ${node} >> ${log}`;
  const started = folder.file(`${node}.started`);
  const agent = await startAgent({
    consul,
    environment: { ...HOSTS, NODENAME: node },
    config: (home) => ({
      paths: { keys, state: path.join(home, "state"), mastodon: home },
      units: { web: { reload: [{ run: ["sh", "-c", `[ ! -e ${started} ] || { ${reload}; }`] }] } },
      reload: { min_interval: "0ms", fleet_lock: true },
    }),
  });
  await agent.converged();
  await writeFile(started, "");
  return agent;
}

async function logOf(folder: TemporaryFolder): Promise<readonly string[]> {
  const text = await readFile(folder.file("log"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** Lines that do not end what the line before them began. */
function overlaps(lines: readonly string[]): readonly string[] {
  return lines.filter((line, at) =>
    at % 2 === 0 ? !line.startsWith("begin ") : line !== lines[at - 1]?.replace("begin", "end"),
  );
}
