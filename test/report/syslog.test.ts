import { expect, test } from "vitest";
import { syslogFrame } from "../../src/report/syslog.ts";

const TIME = "2026-11-24T10:00:00.000Z";

test("a line is one message of RFC 5424 in a frame that begins with its length", () => {
  const line = JSON.stringify({ level: "warn", time: TIME, msg: "problem" });
  const message = `<28>1 ${TIME} jail1 mastodon-agent 42 - - ${line}`;
  expect(syslogFrame(`${line}\n`, "jail1", 42)).toBe(`${message.length} ${message}`);
});

test("the level is the severity, and the facility is daemon", () => {
  const priorities = ["fatal", "error", "warn", "info", "debug", "trace"].map(
    (level) => /<(\d+)>/.exec(syslogFrame(JSON.stringify({ level, time: TIME }), "jail1", 1))?.[1],
  );
  expect(priorities).toEqual(["26", "27", "28", "30", "31", "31"]);
});

test("non-ASCII is escaped, so that the length in characters equals that in bytes and JSON stays JSON", () => {
  const entry = { level: "info", time: TIME, msg: "für 🐘" };
  const frame = syslogFrame(JSON.stringify(entry), "jail1", 1);
  const [, length, message = ""] = /^(\d+) (.*)$/.exec(frame) ?? [];
  expect(Buffer.byteLength(message)).toBe(Number(length));
  expect(JSON.parse(message.slice(message.indexOf("{")))).toEqual(entry);
});

test("a line that is not JSON is sent anyway, and an endless one is cut", () => {
  expect(syslogFrame("what is this", "jail1", 1)).toMatch(
    /^\d+ <30>1 - jail1 mastodon-agent 1 - - what is this$/,
  );
  expect(syslogFrame("x".repeat(100_000), "jail1", 1).length).toBeLessThan(8192);
});
