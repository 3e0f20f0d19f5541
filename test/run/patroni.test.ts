/** Patroni's keys as it would not write them on demand; the real one is in `test/failover`. */
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import type { CatalogueInstance } from "../world/consul-http.ts";
import { until } from "../world/until.ts";

const LEADER = "service/postgresql/leader";

const pg1 = {
  id: "postgresql/pg1",
  service: "postgresql",
  address: "10.0.0.1",
  port: 5432,
  status: "passing",
} as const satisfies CatalogueInstance;
const pg2 = { ...pg1, id: "postgresql/pg2", address: "10.0.0.2" } as const;

test("a leader whose conn_url is not an endpoint leaves the one in use, and is refused by name", async () => {
  await using consul = await startConsul();
  await lead(consul, "pg1", "postgres://10.0.0.1:5432/postgres");
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  await agent.converged();

  await lead(consul, "pg2", "postgres:///postgres");
  await degraded(agent, "the leader pg2 has no known address");
  const { problems } = await agent.status();
  expect(problems.map(({ code }) => code).sort()).toEqual(["input_refused", "no_candidate"]);
  expect(problems.find(({ code }) => code === "input_refused")?.message).toMatch(
    /service\/postgresql\/members\/pg2.*DBHOST/,
  );
  expect(await agent.variables()).toMatchObject({ DB_HOST: "10.0.0.1", DB_PORT: "5432" });

  await lead(consul, "pg2", "postgres://10.0.0.2:5432/postgres");
  await until("the move", async () => (await agent.variables())["DB_HOST"] === "10.0.0.2");
  await agent.converged();
});

test.each(["/service/", "/service", "service/"])(
  "patroni.namespace %s, as patroni.yml writes it, finds the leader at a first boot",
  async (namespace) => {
    await using consul = await startConsul();
    await lead(consul, "pg1", "postgres://10.0.0.1:5432/postgres");
    await using agent = await startAgent({
      consul,
      environment: withoutDatabase(),
      config: { dependencies: { ...UNPROBED, postgres: { probe: false, patroni: { namespace } } } },
    });
    await agent.converged();
    expect((await agent.variables())["DB_HOST"]).toBe("10.0.0.1");
  },
);

test("a leader key that vanishes is an election, even if Patroni has no other key", async () => {
  await using consul = await startConsul();
  await consul.register(pg1);
  await consul.register(pg2);
  await consul.put(LEADER, "pg2");
  await using agent = await startAgent({ consul, environment: withoutDatabase() });
  await agent.converged();
  expect((await agent.variables())["DB_HOST"]).toBe("10.0.0.2");

  await consul.delete(LEADER);
  await degraded(agent, "an election is running");
  const before = await indexOf(agent, "service postgresql");
  await consul.setCheck(pg2, "critical");
  await until("the check to be seen", async () => (await indexOf(agent, "service postgresql")) !== before);
  await consul.put("mastodon/settings/MAILHOST", "mx.example.org");
  await until("a later change", async () => (await agent.variables())["SMTP_SERVER"] === "mx.example.org");
  expect((await agent.variables())["DB_HOST"], "nobody has won yet").toBe("10.0.0.2");

  await consul.put(LEADER, "pg1");
  await until("the move", async () => (await agent.variables())["DB_HOST"] === "10.0.0.1");
});

/** As Patroni does it: the member says where it is before it leads. */
async function lead(consul: ConsulServer, name: string, connUrl: string): Promise<void> {
  await consul.put(
    `service/postgresql/members/${name}`,
    JSON.stringify({ conn_url: connUrl, role: "master" }),
  );
  await consul.put(LEADER, name);
}

function withoutDatabase(): Record<string, string> {
  const { DBHOST: _, ...others } = HOSTS;
  return others;
}

async function indexOf(agent: TestAgent, watch: string): Promise<string | undefined> {
  const { watches } = await agent.status();
  return watches.find(({ name }) => name === watch)?.index;
}

async function degraded(agent: TestAgent, reason: string): Promise<void> {
  await until(`the agent to be degraded: ${reason}`, async () => {
    const status = await agent.status();
    return status.state === "degraded" && status.reason.includes(reason);
  });
}
