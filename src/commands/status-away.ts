/** What can be said while no agent answers: whether one is running, what it last knew, and where to look. */

import { endpointOrigin } from "../agent/endpoint-origin.ts";
import { type Memory, memorySchema } from "../agent/memory.ts";
import { isAgentError } from "../base/errors.ts";
import type { ProfileName } from "../options/profiles.ts";
import type { Config } from "../options/schema.ts";
import { type Change, changeSchema } from "../report/change.ts";
import { NOT_CHECKED } from "../report/status.ts";
import { DEPENDENCY_NAMES } from "../settings/dependencies.ts";
import { readJournal } from "../state/journal.ts";
import { holderIn } from "../state/lock.ts";
import { readState } from "../state/store.ts";
import { hang, labelled } from "./screen/layout.ts";
import { changeText, endpointText, holdRows, type Sight, when } from "./status-view.ts";

/** Never how to start one: two agents on one machine would undo each other's work. */
export function whereToLook(profile: ProfileName): string {
  return `Mastodon keeps running without it, with its files as they are. To find out why: ${LOOKS[profile]}`;
}

const LOOKS: Readonly<Record<ProfileName, string>> = {
  potluck: "`service mastodon_agent status` and `tail -n 20 /var/log/mastodon-agent.log`.",
  systemd: "`systemctl status mastodon-agent` and `journalctl -u mastodon-agent -n 20`.",
  none: "ask the agent's supervisor for its state, and read the end of the agent's log.",
};

/** From the state directory only. */
export async function lastKnownLines({ paths }: Config, sight: Sight): Promise<readonly string[]> {
  const { width } = sight;
  try {
    const memory = await readState(paths.state, memorySchema);
    const holder = await holderIn(paths.state);
    const change = (await readJournal(paths.state, changeSchema)).at(-1);
    const agent =
      holder === undefined
        ? "No agent is running."
        : `The agent is running (pid ${holder.pid}) but does not answer.`;
    const table = rows(memory, change, sight);
    const known = table.length === 0 ? "Nothing was applied yet" : "Last known";
    const end = table.length === 0 ? "." : ":";
    return [
      ...hang("", `${sight.paint.yellow(agent)} ${known}, according to ${paths.state}${end}`, width),
      ...labelled(table, width),
    ];
  } catch (error) {
    if (!isAgentError(error)) throw error;
    return hang("", `What it last applied is not known: ${error.message}`, width);
  }
}

function rows(
  memory: Memory | undefined,
  change: Change | undefined,
  sight: Sight,
): readonly (readonly [string, string])[] {
  const { applied, hold } = memory ?? {};
  return [
    ...(memory === undefined ? [] : endpointRows(memory, sight)),
    ...(hold === undefined ? [] : holdRows(hold, sight)),
    ...(applied === undefined ? [] : [["applied", `${when(applied.at, sight)}: ${applied.cause}`] as const]),
    ...(change === undefined ? [] : [["last change", changeText(change, sight)] as const]),
  ];
}

function endpointRows(memory: Memory, sight: Sight): readonly (readonly [string, string])[] {
  return DEPENDENCY_NAMES.flatMap((name) => {
    const endpoint = memory.endpoints[name];
    if (endpoint === undefined) return [];
    const shown = { ...endpoint, from: endpointOrigin(name, memory), check: NOT_CHECKED };
    return [[name, endpointText(shown, sight)] as const];
  });
}
