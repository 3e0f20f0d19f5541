import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent, UNPROBED } from "../world/agent.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { freePort } from "../world/ports.ts";
import { type Prometheus, startPrometheus } from "../world/prometheus.ts";
import { startRedis } from "../world/redis.ts";
import { until } from "../world/until.ts";

/** The health of a unit is looked at every 10 s, and it is down when it was down twice. */
const DEADLINE_MS = 45_000;
const RULES = "packaging/prometheus/alerts.yml";
/** With this in `.env.production` the reload of web fails. */
const UNLIKED_PORT = "666";

interface Fault {
  readonly what: string;
  readonly alerts: readonly string[];
  readonly break: (world: World) => Promise<unknown>;
  readonly mend: (world: World) => Promise<unknown>;
}

const FAULTS: readonly Fault[] = [
  {
    what: "an operator holds changes",
    alerts: ["MastodonAgentHeld"],
    break: ({ consul }) => consul.put("mastodon/control/hold", "the weekend"),
    mend: ({ consul }) => consul.delete("mastodon/control/hold"),
  },
  {
    what: "a hold keeps back a failover",
    alerts: ["MastodonAgentFailoverHeld", "MastodonAgentHeld"],
    break: async ({ consul, agent }) => {
      await consul.register({ ...POSTGRES, id: "pg2", address: "10.0.0.2", status: "passing" });
      await consul.put("mastodon/control/hold", "the weekend");
      // KV and the catalogue are watched apart: a check that is seen first is followed, as it should be.
      await until("the hold to be seen", async () => (await agent.status()).state === "held");
      await consul.setCheck({ ...POSTGRES, id: "pg1" }, "critical");
    },
    mend: ({ consul }) => consul.delete("mastodon/control/hold"),
  },
  {
    what: "a value is refused",
    alerts: ["MastodonAgentInputRefused"],
    break: ({ consul }) => consul.put("mastodon/settings/MAILPORT", "abc"),
    mend: ({ consul }) => consul.delete("mastodon/settings/MAILPORT"),
  },
  {
    what: "a unit does not run with what was put",
    alerts: ["MastodonAgentChangePutBack", "MastodonAgentFailed", "MastodonAgentNotConverged"],
    break: ({ consul }) => consul.put("mastodon/settings/MAILPORT", UNLIKED_PORT),
    mend: ({ consul }) => consul.delete("mastodon/settings/MAILPORT"),
  },
  {
    what: "a connection that is asked for does not work",
    alerts: ["MastodonAgentProbeFailing", "MastodonAgentDegraded"],
    break: async ({ consul }) => consul.put("mastodon/settings/REDISPORT", String(await freePort())),
    mend: ({ consul }) => consul.delete("mastodon/settings/REDISPORT"),
  },
  {
    what: "a unit is down",
    alerts: ["MastodonUnitDown"],
    break: ({ web }) => web.close(),
    mend: ({ web }) => web.open(),
  },
  {
    what: "Consul is away",
    alerts: ["MastodonAgentDisconnected"],
    break: ({ consul }) => consul.stop(),
    mend: ({ consul }) => consul.start(),
  },
  {
    what: "the agent is stopped",
    alerts: ["MastodonAgentDown"],
    break: ({ agent }) => agent.stop(),
    mend: ({ agent }) => agent.start(),
  },
];

const POSTGRES = { service: "postgresql", port: 5432 } as const;

interface World {
  readonly consul: ConsulServer;
  readonly agent: TestAgent;
  readonly prometheus: Prometheus;
  readonly web: Listener;
}

let world: World;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const consul = stack.use(await startConsul());
  await consul.register({ ...POSTGRES, id: "pg1", address: "10.0.0.1", status: "passing" });
  const redis = stack.use(await startRedis());
  const web = await listener();
  stack.defer(web.close);
  const agent = stack.use(
    await startAgent({
      consul,
      environment: { ...HOSTS, REDISHOST: redis.host, REDISPORT: String(redis.port) },
      config: (folder) => ({
        dependencies: { ...UNPROBED, redis: { probe: true } },
        units: { web: { reload: [unlike(folder)], health: { tcp: `127.0.0.1:${web.port}`, timeout: "5s" } } },
      }),
    }),
  );
  await agent.converged();
  const rules = (await readFile(RULES, "utf8")).replaceAll(/^( +for:) .*$/gm, "$1 1s");
  const prometheus = stack.use(await startPrometheus({ target: agent.url, rules }));
  world = { consul, agent, prometheus, web };
}, 60_000);

afterAll(() => stack.disposeAsync());

test.each(FAULTS)(
  "while $what, its alerts fire, and are resolved when that is repaired",
  async (fault) => {
    const { prometheus } = world;
    await until(
      "a scrape with nothing wrong",
      async () => {
        const [seen, firing] = await Promise.all([
          prometheus.seriesOf("mastodon_agent_converged == 1"),
          prometheus.firing(),
        ]);
        return seen === 1 && firing.length === 0;
      },
      DEADLINE_MS,
    );
    await fault.break(world);
    await until(
      `${fault.alerts.join(" and ")} to fire`,
      async () => {
        const firing = await prometheus.firing();
        return fault.alerts.every((alert) => firing.includes(alert));
      },
      DEADLINE_MS,
    );
    await fault.mend(world);
    await until(
      "every alert to be resolved",
      async () => {
        expect(await prometheus.firing()).toEqual([]);
        return true;
      },
      DEADLINE_MS,
    );
  },
  3 * DEADLINE_MS,
);

function unlike(folder: string): object {
  const script = '! grep -q "^SMTP_PORT=$0" "$1"';
  return { run: ["sh", "-c", script, UNLIKED_PORT, path.join(folder, ".env.production")] };
}

interface Listener {
  readonly port: number;
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Accepts and hangs up: that is enough to be healthy. */
async function listener(): Promise<Listener> {
  const port = await freePort();
  const server = createServer((socket) => socket.end());
  const open = async () => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await open();
  return {
    port,
    open,
    close: async () => {
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}
