import { getEventListeners } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { tidyAtRest } from "../../src/agent/tidy.ts";
import { Notice } from "../../src/report/notice.ts";

test("collects garbage after each idle period, and not while something happens", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const notice = new Notice();
  const end = new AbortController();
  const collect = vi.fn();
  const running = tidyAtRest({ notice, collect, restMs: 1000 }, end.signal);
  vi.advanceTimersByTime(900);
  notice.tell();
  vi.advanceTimersByTime(1000);
  expect(collect).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(collect).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1000);
  expect(collect).toHaveBeenCalledTimes(2);
  end.abort();
  await running;
  notice.tell();
  vi.advanceTimersByTime(1000);
  expect(collect).toHaveBeenCalledTimes(2);
  expect(getEventListeners(end.signal, "abort")).toEqual([]);
});

test("ends at once if the agent has ended", async () => {
  await tidyAtRest({ notice: new Notice(), collect: () => {} }, AbortSignal.abort());
});
