import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";

const PROGRAM = path.join(checkout(), "dist", "cli.js");
/** What docs/status-page.md promises. */
const MOST_STREAMS = 32;

test("keeps as many pages up to date as it promises, makes room when one closes, and closes all when it ends", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS, program: PROGRAM });
  await agent.converged();
  const listen = (signal?: AbortSignal) =>
    fetch(`${agent.url}/events`, signal === undefined ? {} : { signal });
  const leaving = new AbortController();
  const first = await listen(leaving.signal);
  const others = await Promise.all(Array.from({ length: MOST_STREAMS - 1 }, () => listen()));
  expect([first, ...others].map(({ status }) => status)).toEqual(Array(MOST_STREAMS).fill(200));

  const refused = await listen();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
  expect(await refused.text()).toMatch(/close one/);

  leaving.abort();
  const late = await until("room for another", async () => {
    const response = await listen();
    if (response.status === 200) return response;
    await response.text();
    return undefined;
  });
  const told = [...others, late].map((response) => response.text().catch(() => "cut off"));
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
  expect(await Promise.all(told)).toHaveLength(MOST_STREAMS);
});
