import { readFile } from "node:fs/promises";
import path from "node:path";
import { start } from "../../test/world/spawn.ts";
import { temporaryFolder } from "../../test/world/temporary.ts";
import { BUNDLE } from "./agent.ts";
import type { Contender, Ground } from "./contender.ts";

const PROGRAM = path.join(import.meta.dirname, "..", "bare-writer.ts");

/** Not a peer but a bound: what any program needs that writes as durably as the agent does, on Node as the agent is run. */
export async function startBareWriter({ consul, address }: Ground): Promise<Contender> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("bare-writer"));
  const [key, file] = ["bare-writer/MAILPORT", folder.file("rendered")];
  await consul.put(key, "1");
  const running = starting.use(
    await start(process.execPath, [...(await flagsOf(BUNDLE)), PROGRAM, address, key, file]),
  );
  const release = starting.move();
  return {
    name: "a bare query that writes, syncs and renames",
    file,
    line: (value) => `SMTP_PORT=${value}\n`,
    key,
    service: "",
    pid: () => running.pid,
    reloads: async () => 0,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Those in the first line of a program, for V8. */
async function flagsOf(program: string): Promise<readonly string[]> {
  const [first = ""] = (await readFile(program, "utf8")).split("\n");
  return first.split(" ").filter((word) => word.startsWith("--"));
}
