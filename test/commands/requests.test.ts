import path from "node:path";
import { expect, test } from "vitest";
import { GOES_ON } from "../../src/agent/announcer.ts";
import type { Request } from "../../src/commands/io.ts";
import { Requests } from "../../src/commands/requests.ts";
import { readOptions } from "../../src/options.ts";
import { createLog } from "../../src/report/log.ts";
import { HOSTS, JAIL } from "../world/agent.ts";
import { checkout } from "../world/programs.ts";

/** A request, with what is found when the configuration is read: the name of a node, or nothing that is good. */
type Asked = "drain" | { readonly reload: string | undefined };

test.each<[title: string, asked: readonly Asked[], goesOnAs: string | undefined]>([
  ["a good configuration is gone on with", [{ reload: "one" }], "one"],
  ["a bad one ends nothing", [{ reload: undefined }], "still at it"],
  ["a bad one does not undo a good one", [{ reload: "one" }, { reload: undefined }], "one"],
  ["a good one mends a bad one", [{ reload: undefined }, { reload: "one" }], "one"],
  ["of two good ones the newer counts", [{ reload: "one" }, { reload: "two" }], "two"],
  ["to drain is to end", ["drain"], undefined],
  ["to drain counts before a configuration that comes after it", ["drain", { reload: "one" }], undefined],
  ["and before one that came first", [{ reload: "one" }, "drain"], undefined],
])("%s", async (_, asked, goesOnAs) => {
  const found = asked.flatMap((each) => (each === "drain" ? [] : [each.reload]));
  const { requests, settled } = listening(found);
  for (const each of asked) requests.take(each === "drain" ? "drain" : "reload");
  await settled();
  expect(requests.signal.aborted).toBe(goesOnAs !== "still at it");
  if (goesOnAs === "still at it") return;
  expect(requests.next()?.node).toBe(goesOnAs);
  expect(requests.signal.aborted, "a new round has a new signal").toBe(goesOnAs === undefined);
});

test("tells whether the agent goes on or ends", async () => {
  for (const [request, isGoingOn] of new Map<Request, boolean>([
    ["reload", true],
    ["drain", false],
  ])) {
    const { requests, settled } = listening(["one"]);
    requests.take(request);
    await settled();
    expect(requests.signal.reason === GOES_ON).toBe(isGoingOn);
  }
});

function listening(found: readonly (string | undefined)[]) {
  const rest = [...found];
  const read = async () => {
    const node = rest.shift();
    return node === undefined ? undefined : optionsOf(node);
  };
  const requests = new Requests(read, createLog("silent", { write: () => {} }));
  // The readings stand in a row of promises; all of them are done before the next turn of the event loop.
  return { requests, settled: () => new Promise((resolve) => setImmediate(resolve)) };
}

function optionsOf(node: string) {
  return readOptions({
    environment: { ...JAIL, ...HOSTS, NODENAME: node },
    configFile: undefined,
    templates: path.join(checkout(), "templates"),
  });
}
