import path from "node:path";
import { expect, test } from "vitest";
import { runAnnouncer } from "../../src/agent/announcer.ts";
import { readOptions } from "../../src/options.ts";
import { silentLog } from "../../src/report/log.ts";
import { Notice } from "../../src/report/notice.ts";
import { Problems } from "../../src/report/problems.ts";
import { clientAt } from "../consul/fixtures/connection.ts";
import { replies } from "../consul/fixtures/replies.ts";
import { HOSTS, JAIL } from "../world/agent.ts";
import { until } from "../world/until.ts";

test("an unintelligible answer from Consul is one problem, and the agent still ends when asked", async () => {
  await using consul = await replies({ status: 200, body: '"what is this"' });
  const problems = new Problems(silentLog());
  const end = new AbortController();
  const options = readOptions({
    environment: { ...JAIL, ...HOSTS },
    configFile: undefined,
    templates: path.join(import.meta.dirname, "..", "..", "templates"),
  });
  const running = runAnnouncer(
    {
      client: clientAt(consul.address),
      facts: () => ({
        options,
        version: "1.0.0",
        headline: { state: "converged", reason: "all is well", ready: true },
        unitHealth: new Map(),
      }),
      notice: new Notice(),
      problems,
    },
    end.signal,
  );
  await until("the problem", () => problems.list().length > 0);
  expect(problems.list()).toMatchObject([
    { code: "announce_failed", message: expect.stringMatching(/not understood.*configured all the same/s) },
  ]);
  end.abort();
  await running;
});
