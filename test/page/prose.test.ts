import { expect, test } from "vitest";
import { prose } from "../../src/report/page/prose.ts";

test("what is between backticks is code, and a command of several words gets a button that copies it", () => {
  expect(prose("Put it: `consul kv put a/b 'c d'`, or look at `.env`.").text).toBe(
    "Put it: " +
      '<span class="command" data-key="command consul kv put a/b &#39;c d&#39;"><code>consul kv put a/b &#39;c d&#39;</code> ' +
      '<button type="button" class="copy" aria-label="Copy consul kv put a/b &#39;c d&#39;">copy</button></span>' +
      ", or look at <code>.env</code>.",
  );
});

test("a time in a message is shown as every time is", () => {
  expect(prose("not since 2026-01-02T03:04:05.678Z; or so").text).toMatch(
    /^not since <span class="moment"><time datetime="2026-01-02T03:04:05.678Z">2026-01-02 03:04:05 UTC<.*; or so$/,
  );
});

test.each([
  ["nothing to mark", "nothing to mark"],
  ["a lone ` stays", "a lone &#96; stays"],
  ["empty `` stay", "empty &#96;&#96; stay"],
  ["`<b>`", "<code>&#60;b&#62;</code>"],
])("%j is shown as %j", (message, expected) => {
  expect(prose(message).text.replaceAll("`", "&#96;")).toBe(expected);
});
