import { once } from "node:events";
import { expect, test } from "vitest";
import { together } from "../../src/agent/together.ts";

test("ends all tasks when one ends, and waits for each", async () => {
  const ended: string[] = [];
  await together([async () => {}, patient("a", ended), patient("b", ended)], new AbortController().signal);
  expect(ended).toEqual(["a", "b"]);
});

test("throws the first error once all have ended", async () => {
  const ended: string[] = [];
  const failing = () => Promise.reject(new Error("first"));
  await expect(together([failing, patient("a", ended)], new AbortController().signal)).rejects.toThrow(
    "first",
  );
  expect(ended).toEqual(["a"]);
});

test("ends them all when the signal aborts", async () => {
  const ended: string[] = [];
  const end = new AbortController();
  const all = together([patient("a", ended)], end.signal);
  end.abort();
  await all;
  expect(ended).toEqual(["a"]);
});

function patient(name: string, ended: string[]) {
  return async (signal: AbortSignal): Promise<void> => {
    if (!signal.aborted) await once(signal, "abort");
    ended.push(name);
  };
}
