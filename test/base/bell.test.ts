import { getEventListeners } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { Bell } from "../../src/base/bell.ts";

const never = new AbortController().signal;

test("keeps a ring for the next wait, and any number of rings is one", async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.wait(undefined, 0, never);
  const second = bell.wait(undefined, 0, never).then(() => "woken");
  expect(await Promise.race([second, Promise.resolve("still waiting")])).toBe("still waiting");
  bell.ring();
  expect(await second).toBe("woken");
});

test("wakes at a given time", async () => {
  expect(await new Bell().wait(1005, 1000, never)).toBe(0);
});

test("knows how long ago it first rang", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const bell = new Bell();
  bell.ring();
  vi.advanceTimersByTime(30);
  bell.ring();
  vi.advanceTimersByTime(5);
  expect(await bell.wait(undefined, 0, never)).toBe(35);
});

test("wakes when the signal aborts, and does not wait if it already has", async () => {
  const bell = new Bell();
  const end = new AbortController();
  const waiting = bell.wait(undefined, 0, end.signal);
  end.abort();
  await waiting;
  await bell.wait(undefined, 0, end.signal);
});

test("leaves nothing behind on a signal that outlives many waits", async () => {
  const bell = new Bell();
  const { signal } = new AbortController();
  for (let ring = 0; ring < 100; ring++) {
    const waiting = bell.wait(undefined, 0, signal);
    bell.ring();
    await waiting;
  }
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
