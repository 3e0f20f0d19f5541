import { existsSync } from "node:fs";
import path from "node:path";
// The demo shows the test world: it must be the same one that the tests prove.
import { show } from "../../test/world/demo/show.ts";
import { checkout } from "../../test/world/programs.ts";
import { ExitCode, messageOf, Unavailable } from "../base/errors.ts";
import type { Io } from "./io.ts";

/**
 * Shows the agent at work with real programs, which are started for it and removed again.
 * @throws Unavailable outside a checkout
 */
export async function demo({ once = false }: { once?: boolean }, io: Io): Promise<ExitCode> {
  if (!isCheckout()) throw new Unavailable(NOT_HERE);
  const end = new AbortController();
  // A terminal that is closed (SIGHUP) ends it as well.
  io.onRequest(() => end.abort());
  try {
    const { isTerminal, version, out } = io;
    const ending = await show({ once, isTerminal, version, out }, end.signal);
    return ending === "told" || !once ? ExitCode.ok : ExitCode.temporary;
  } catch (error) {
    io.err(`mastodon-agent demo: ${messageOf(error)}`);
    return ExitCode.unavailable;
  }
}

const NOT_HERE = {
  where: "mastodon-agent demo",
  what: "the programs it needs are not in the installed package",
  cure: "In a checkout of mastodon-agent, type: npm start",
};

function isCheckout(): boolean {
  return existsSync(path.join(checkout(), "test", "world", "mastodon", "service.sh"));
}
