import { expect, test } from "vitest";
import { ConnectionWatch } from "../../src/agent/connection-watch.ts";
import { type ProbeResult, unreachable, WRITABLE } from "../../src/probe/result.ts";
import { silentLog } from "../../src/report/log.ts";
import { Problems } from "../../src/report/problems.ts";
import type { CheckedName } from "../../src/settings/dependencies.ts";
import { makeTarget, type Target } from "../../src/settings/targets.ts";
import type { Wish } from "../../src/settings/wish.ts";
import { until } from "../world/until.ts";

const BAD = unreachable("refuses connections: nothing listens there");

test("one failure is chance, three in a row are a problem, and one success ends it", async () => {
  await using watch = watching({ redis: redisAt("10.0.0.1") });
  await watch.answered(WRITABLE);
  expect(watch.health("redis")).toMatchObject({ healthy: true, reason: "" });
  await watch.answered(BAD);
  await watch.answered(BAD);
  expect([watch.health("redis")?.healthy, watch.codes()]).toEqual([true, []]);
  await watch.answered(BAD);
  expect(watch.health("redis")).toMatchObject({ healthy: false, reason: BAD.reason });
  expect(watch.codes()).toEqual(["connection_failing redis"]);
  expect(watch.message()).toMatch(/^redis 10\.0\.0\.1:6379: the connection in use refuses connections/);
  await watch.answered(WRITABLE);
  expect([watch.health("redis")?.healthy, watch.codes()]).toEqual([true, []]);
});

test("a connection that never worked is not called healthy after one failure", async () => {
  await using watch = watching({ redis: redisAt("10.0.0.1") });
  await watch.answered(BAD);
  expect(watch.health("redis")).toBeUndefined();
});

test("a new connection starts afresh: the old one's answers are forgotten, and it is probed at once", async () => {
  await using watch = watching({ redis: redisAt("10.0.0.1") });
  for (const answer of [BAD, BAD, BAD]) await watch.answered(answer);
  watch.put({ redis: redisAt("10.0.0.2") });
  await until("the problem to go", () => watch.codes().length === 0);
  expect(await watch.asked()).toBe("10.0.0.2");
  await watch.answered(WRITABLE);
  expect(watch.health("redis")).toMatchObject({ healthy: true });
});

test("a connection that is left while it is being probed is forgotten, whatever it answers", async () => {
  await using watch = watching({ redis: redisAt("10.0.0.1") });
  expect(await watch.asked()).toBe("10.0.0.1");
  watch.put({});
  expect([watch.health("redis"), watch.codes(), watch.changes()]).toEqual([undefined, [], 2]);
});

test("the reason may change while it fails, but not since when it has failed", async () => {
  await using watch = watching({ redis: redisAt("10.0.0.1") });
  for (const answer of [BAD, BAD, BAD]) await watch.answered(answer);
  const since = watch.health("redis")?.since;
  await watch.answered(unreachable("does not answer within 3000 ms"));
  expect(watch.health("redis")).toMatchObject({ since, reason: "does not answer within 3000 ms" });
});

function redisAt(host: string): Target {
  const wish = (value: string): Wish => ({ level: "environment", where: "REDISHOST", value });
  const wishes = new Map([
    ["REDISHOST", wish(host)],
    ["REDISPORT", wish("6379")],
  ]);
  return makeTarget("redis", wishes);
}

/** Each probe waits for the test's answer. */
function watching(first: Partial<Record<CheckedName, Target>>) {
  let inForce = new Map<CheckedName, Target>();
  const take = (targets: typeof first) => {
    inForce = new Map(targets.redis === undefined ? [] : [["redis", targets.redis]]);
  };
  take(first);
  let changes = 0;
  let answers = 0;
  let tellWatch = () => {};
  let question: { readonly target: Target; readonly answer: (result: ProbeResult) => void } | undefined;
  const problems = new Problems(silentLog());
  const watch = new ConnectionWatch({
    inForce: (name) => inForce.get(name),
    intervalMs: 1,
    problems,
    onProbe: () => {
      answers += 1;
    },
    notice: {
      subscribe: (listener) => {
        tellWatch = listener;
        return () => {};
      },
      tell: () => {
        changes += 1;
      },
    },
    probe: (target, signal) =>
      new Promise((answer) => {
        question = { target, answer };
        signal.addEventListener("abort", () => {
          if (question?.target === target) question = undefined;
          answer(unreachable("is no longer probed"));
        });
      }),
  });
  const end = new AbortController();
  const ended = watch.run(["redis"], end.signal);
  const asked = async () => {
    const { target } = await until("a question", () => question);
    return String(target.wishes.get("REDISHOST")?.value);
  };
  return {
    asked,
    answered: async (result: ProbeResult) => {
      await asked();
      const before = answers;
      question?.answer(result);
      question = undefined;
      await until("the answer to be taken", () => answers > before);
    },
    put: (targets: typeof first) => {
      take(targets);
      tellWatch();
    },
    health: (name: CheckedName) => watch.health.get(name),
    codes: () => problems.list().map(({ code, about }) => `${code} ${about}`),
    message: () => problems.list()[0]?.message,
    changes: () => changes,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      question?.answer(WRITABLE);
      await ended;
    },
  };
}
