import { readFile } from "node:fs/promises";
import { parse } from "dotenv";
import { isSettingName } from "../../src/settings/schema.ts";
import type { TestAgent } from "../world/agent.ts";
import type { ConsulServer } from "../world/consul.ts";
import { until } from "../world/until.ts";

type Values = Readonly<Record<string, string>>;
export type PutTogether = (values: Values) => Promise<string>;

/** What says in the file which put it is from: nothing reads it here. */
const MARK = "USER_ACTIVE_DAYS";

/**
 * Puts settings and variables in one transaction, in place of those put before, and gives the `.env.production` that
 * comes of it.
 */
export function puttingTogether(consul: ConsulServer, agent: TestAgent): PutTogether {
  let before: readonly string[] = [];
  let count = 0;
  return async (values) => {
    count += 1;
    const wanted = { ...values, [MARK]: String(count) };
    const gone = before.filter((name) => !Object.hasOwn(wanted, name));
    const operations = [
      ...gone.map((name) => ({ KV: { Verb: "delete", Key: keyOf(name) } })),
      ...Object.entries(wanted).map(([name, value]) => ({
        KV: { Verb: "set", Key: keyOf(name), Value: Buffer.from(value).toString("base64") },
      })),
    ];
    await consul.request("PUT", "/v1/txn", operations);
    before = Object.keys(wanted);
    return until("the file of this put", async () => {
      const text = await readFile(agent.envFile, "utf8");
      return parse(text)[MARK] === String(count) && text;
    });
  };
}

function keyOf(name: string): string {
  return `mastodon/${isSettingName(name) ? "settings" : "env"}/${name}`;
}
