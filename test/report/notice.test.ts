import { expect, onTestFinished, test, vi } from "vitest";
import { Notice } from "../../src/report/notice.ts";

test("a burst is announced once, and not before the announcer has moved on", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const notice = new Notice();
  const listener = vi.fn();
  const unsubscribe = notice.subscribe(listener);
  for (let news = 0; news < 10; news++) notice.tell();
  expect(listener).not.toHaveBeenCalled();
  vi.runAllTimers();
  expect(listener).toHaveBeenCalledTimes(1);
  notice.tell();
  vi.runAllTimers();
  expect(listener).toHaveBeenCalledTimes(2);
  unsubscribe();
  notice.tell();
  vi.runAllTimers();
  expect(listener).toHaveBeenCalledTimes(2);
});
