/** Patroni's keys as it would not write them on demand; the real one is in `test/failover`. */
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

const LEADER = "service/postgresql/leader";

test("a leader whose conn_url is no endpoint leaves the one in use where it is, and is refused by name", async () => {
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

async function degraded(agent: TestAgent, reason: string): Promise<void> {
  await until(`the agent to be degraded: ${reason}`, async () => {
    const status = await agent.status();
    return status.state === "degraded" && status.reason.includes(reason);
  });
}
