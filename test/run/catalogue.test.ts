import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const pg1 = { id: "pg1", node: "db1", service: "postgresql", address: "10.0.0.1", port: 5432 } as const;
const pg2 = { ...pg1, id: "pg2", node: "db2", address: "10.0.0.2" } as const;

test("follows an endpoint that moves between two registered instances", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg1, status: "passing" });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  expect((await agent.converged()).endpoints["postgres"]).toMatchObject({
    host: "10.0.0.1",
    port: 5432,
    source: "catalogue: service pg1",
  });
  await consul.register({ ...pg2, status: "passing" });
  await candidatesSeen(agent, 2);
  expect((await agent.variables())["DB_HOST"], "the endpoint in use stays while it is a candidate").toBe(
    "10.0.0.1",
  );
  const before = (await agent.reloads()).length;

  await consul.setCheck(pg1, "critical");
  await until("the move", async () => (await agent.variables())["DB_HOST"] === "10.0.0.2");
  const status = await agent.converged();
  expect(status.endpoints["postgres"]).toMatchObject({ host: "10.0.0.2", source: "catalogue: service pg2" });
  expect(status.last_change).toMatchObject({
    outcome: "applied",
    units: ["web", "streaming", "sidekiq"],
    cause: expect.stringMatching(/^DBHOST from service pg2 \(index \d+\)/),
  });
  expect((await agent.reloads()).slice(before), "sidekiq last, since this is urgent").toEqual([
    "web",
    "streaming",
    "sidekiq",
  ]);
});

test("a warning moves nothing, and is shown; the next failure moves to an instance without one", async () => {
  await using consul = await startConsul();
  const pg3 = { ...pg1, id: "pg3", node: "db3", address: "10.0.0.3" } as const;
  await consul.register({ ...pg1, status: "passing" });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  await agent.converged();
  await consul.register({ ...pg2, status: "warning" });
  await consul.register({ ...pg3, status: "passing" });
  await consul.setCheck(pg1, "warning");
  const candidates = async () => {
    const { endpoints } = await agent.status();
    return endpoints["postgres"]?.candidates.map(({ id, eligible, reason }) => `${id} ${eligible} ${reason}`);
  };
  await until("the warning", async () => (await candidates())?.[0]?.startsWith("pg1 true check"));
  expect(await candidates()).toEqual([
    expect.stringMatching(/^pg1 true check ".*" is warning/),
    expect.stringMatching(/^pg2 true check ".*" is warning/),
    "pg3 true passing",
  ]);
  await agent.converged();
  expect((await agent.variables())["DB_HOST"]).toBe("10.0.0.1");

  await consul.setCheck(pg1, "critical");
  await until("a move", async () => (await agent.variables())["DB_HOST"] !== "10.0.0.1");
  expect((await agent.variables())["DB_HOST"], "the passing one, not the lowest ID").toBe("10.0.0.3");
  await consul.setCheck(pg3, "critical");
  await until("the last one", async () => (await agent.variables())["DB_HOST"] === "10.0.0.2");
});

test("a port that an operator put applies to every instance: the one in use stays, and is left at once when it is dead", async () => {
  await using consul = await startConsul();
  await consul.put("mastodon/settings/DBPORT", "6432");
  await consul.register({ ...pg2, status: "passing" });
  await using agent = await startAgent({
    consul,
    environment: withoutDatabase(),
    config: { reload: { min_interval: "10m" } },
  });
  await agent.converged();
  const database = async () => {
    const { DB_HOST, DB_PORT } = await agent.variables();
    return `${DB_HOST}:${DB_PORT}`;
  };
  expect(await database()).toBe("10.0.0.2:6432");

  await consul.register({ ...pg1, status: "passing" });
  await candidatesSeen(agent, 2);
  expect((await agent.status()).desired, "the one in use stays").toBe((await agent.status()).applied);
  await consul.setCheck(pg2, "critical");
  await until("the move, which waits for no interval", async () => (await database()) === "10.0.0.1:6432");
});

test("when an operator deletes a port, the instance's own is used again, and the instance stays the same", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg2, status: "passing" });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  await agent.converged();
  await consul.register({ ...pg1, status: "passing" });
  await candidatesSeen(agent, 2);
  const database = async () => {
    const { DB_HOST, DB_PORT } = await agent.variables();
    return `${DB_HOST}:${DB_PORT}`;
  };
  await consul.put("mastodon/settings/DBPORT", "6432");
  await until("the put", async () => (await database()) !== "10.0.0.2:5432");
  expect(await database()).toBe("10.0.0.2:6432");
  await agent.converged();
  await consul.delete("mastodon/settings/DBPORT");
  await until("the port to be taken back", async () => (await database()) !== "10.0.0.2:6432");
  expect(await database()).toBe("10.0.0.2:5432");
});

test("changes nothing on disk when the last instance turns critical or disappears", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg1, status: "passing" });
  await using agent = await startAgent({ consul, environment: { ...HOSTS } });
  await agent.converged();
  const [bytes, reloads] = [await readFile(agent.envFile, "utf8"), await agent.reloads()];

  await consul.setCheck(pg1, "critical");
  await degraded(agent, /no instance is both healthy/);
  await consul.deregister(pg1);
  await degraded(agent, /no instance is registered/);
  expect(await readFile(agent.envFile, "utf8")).toBe(bytes);
  expect(await agent.reloads()).toEqual(reloads);
  expect((await agent.status()).endpoints["postgres"]).toMatchObject({ host: "10.0.0.1" });

  await agent.stop();
  await agent.start();
  await degraded(agent, /no instance is registered/);
  expect(await readFile(agent.envFile, "utf8"), "nor after a restart of the agent").toBe(bytes);
});

test("follows role tags and meta, and an operator's host before either", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg1, status: "passing", tags: ["replica"] });
  await consul.register({ ...pg2, status: "passing", tags: ["primary"], meta: { host: "db.example.org" } });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  await agent.converged();
  expect((await agent.variables())["DB_HOST"]).toBe("db.example.org");
  await consul.put("mastodon/settings/DBHOST", "10.7.7.7");
  await until("the operator's host", async () => (await agent.variables())["DB_HOST"] === "10.7.7.7");
});

test("moves S3 by its meta without touching streaming, and keeps the alias", async () => {
  await using consul = await startConsul();
  const s3 = {
    id: "s3-1",
    service: "s3",
    address: "10.0.0.9",
    port: 9000,
    meta: { scheme: "http" },
  } as const;
  await consul.register({ ...s3, status: "passing" });
  await using agent = await startAgent({ consul, environment: { ...HOSTS } });
  await agent.converged();
  expect(await agent.variables()).toMatchObject({
    S3_ENDPOINT: "http://10.0.0.9:9000",
    S3_HOSTNAME: "10.0.0.9:9000",
    S3_PROTOCOL: "https",
    S3_ALIAS_HOST: "files.example.org",
  });
  const before = (await agent.reloads()).length;
  await consul.register({
    ...s3,
    id: "s3-2",
    address: "10.0.0.10",
    port: 443,
    meta: { scheme: "https", host: "minio.example.org" },
    status: "passing",
  });
  await consul.setCheck(s3, "critical");
  await until(
    "the move",
    async () => (await agent.variables())["S3_ENDPOINT"] === "https://minio.example.org",
  );
  await agent.converged();
  expect((await agent.variables())["S3_ALIAS_HOST"]).toBe("files.example.org");
  expect((await agent.reloads()).slice(before)).toEqual(["web", "sidekiq"]);
});

test("refuses an instance whose address is not a host, and names it", async () => {
  await using consul: ConsulServer = await startConsul();
  await consul.register({ ...pg1, address: "$(reboot)", status: "passing" });
  await using agent = await startAgent({ consul, environment: { ...HOSTS } });
  const { problems } = await until("the refusal", async () => {
    const status = await agent.status();
    return status.problems.length > 0 && status;
  });
  expect(problems[0]?.message).toMatch(/service pg1 on node db1.*DBHOST/);
  await agent.converged();
  expect((await agent.variables())["DB_HOST"]).toBe(HOSTS.DBHOST);
});

test("a sidecar under the service's name and an address that is every address are no instances", async () => {
  await using consul = await startConsul();
  const proxy = { Kind: "connect-proxy", ID: "a-proxy", Service: "postgresql", Port: 21000 };
  await consul.request("PUT", "/v1/catalog/register", {
    Node: "db1",
    Address: "10.0.0.1",
    Service: { ...proxy, Tags: ["primary"], Proxy: { DestinationServiceName: "postgresql" } },
  });
  await consul.register({ ...pg1, id: "b-all", status: "passing", meta: { host: "0.0.0.0" } });
  await consul.register({ ...pg2, status: "passing" });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  const { problems } = await until("both refusals", async () => {
    const status = await agent.status();
    return status.applied !== null && status.problems.length > 1 && status;
  });
  expect((await agent.variables())["DB_HOST"]).toBe(pg2.address);
  const messages = problems.map(({ message }) => message).join("\n");
  expect(messages).toMatch(/service a-proxy on node db1.*connect-proxy, not the service itself/);
  expect(messages).toMatch(/service b-all.*not 0\.0\.0\.0 or ::/);
});

test("returns to an endpoint it left only after the dwell, unless the one in use is dead", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg1, status: "passing", tags: ["primary"] });
  await consul.register({ ...pg2, status: "passing", tags: ["replica"] });
  await using agent = await startAgent({
    consul,
    environment: withoutDatabase(),
    config: { dependencies: { ...UNPROBED, dwell: "1h" } },
  });
  await agent.converged();
  await swapRoles(consul, pg2, pg1);
  await until("the move to pg2", async () => (await agent.variables())["DB_HOST"] === "10.0.0.2");
  await agent.converged();
  await swapRoles(consul, pg1, pg2);
  await until(
    "the way back to be seen",
    async () =>
      (await agent.status()).endpoints["postgres"]?.candidates.find(({ id }) => id === "pg1")?.eligible,
  );
  expect((await agent.variables())["DB_HOST"]).toBe("10.0.0.2");
  await consul.setCheck(pg2, "critical");
  await until(
    "the way back, since pg2 is dead",
    async () => (await agent.variables())["DB_HOST"] === "10.0.0.1",
  );
});

function withoutDatabase(): Record<string, string> {
  const { DBHOST: _, ...others } = HOSTS;
  return others;
}

async function candidatesSeen(agent: TestAgent, count: number): Promise<void> {
  await until(
    `${count} candidates`,
    async () => (await agent.status()).endpoints["postgres"]?.candidates.length === count,
  );
}

async function degraded(agent: TestAgent, reason: RegExp): Promise<void> {
  await until(`the agent to be degraded: ${reason}`, async () => {
    const status = await agent.status();
    return status.state === "degraded" && reason.test(status.reason);
  });
}

async function swapRoles(
  consul: ConsulServer,
  primary: typeof pg1 | typeof pg2,
  replica: typeof pg1 | typeof pg2,
): Promise<void> {
  await consul.register({ ...replica, status: "passing", tags: ["replica"] });
  await consul.register({ ...primary, status: "passing", tags: ["primary"] });
}

test("one service without a port hides no other: it is refused, and a move goes on", async () => {
  await using consul = await startConsul();
  await consul.register({ ...pg1, id: "pg0", node: "db0", port: 0, status: "passing" });
  await consul.register({ ...pg1, status: "passing" });
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  const refused = await until("the refusal", async () => {
    const { problems } = await agent.status();
    return problems.find(({ code }) => code === "input_refused");
  });
  expect(refused.message).toMatch(/service pg0 on node db0.*not usable as DBPORT/);
  await until("the first endpoint", async () => (await agent.variables())["DB_HOST"] === "10.0.0.1");
  await consul.register({ ...pg2, status: "passing" });
  await consul.setCheck(pg1, "critical");
  await until("the move", async () => (await agent.variables())["DB_HOST"] === "10.0.0.2");
});
