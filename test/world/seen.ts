import { readFile } from "node:fs/promises";
import * as z from "zod";
import type { TestAgent } from "./agent.ts";
import type { ConsulHttp } from "./consul-http.ts";

/** Every page that the agent serves, but for the one that never ends. */
export async function pagesOf(agent: TestAgent): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  const base = await httpOf(agent);
  const list = await (await fetch(`${base}/nowhere`)).text();
  for (const route of list
    .replace(/^[^/]*/, "")
    .trim()
    .split(", ")) {
    if (route !== "/events") pages.set(route, await (await fetch(`${base}${route}`)).text());
  }
  return pages;
}

/** Where the agent serves them. */
export async function httpOf(agent: TestAgent): Promise<string> {
  return `http://${/^http: (.*)$/m.exec(await readFile(agent.configFile, "utf8"))?.[1]}`;
}

export interface Followed extends AsyncDisposable {
  text(): string;
}

/** Whatever the agent sends there, also after it was started again. */
export function follow(url: string): Followed {
  const end = new AbortController();
  let text = "";
  const following = (async () => {
    while (!end.signal.aborted) {
      try {
        const { body } = await fetch(url, { signal: end.signal });
        for await (const chunk of body ?? []) text += Buffer.from(chunk).toString("utf8");
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  })();
  return {
    text: () => text,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await following;
    },
  };
}

/** All that Consul shows to whoever may see everything, but for what an operator has put there. */
export async function inConsul(consul: ConsulHttp): Promise<readonly (readonly [string, string])[]> {
  const pairs = z
    .array(z.object({ Key: z.string(), Value: z.string().nullable() }))
    .parse(await consul.request("GET", "/v1/kv/?recurse"));
  const own = pairs.filter(({ Key }) => !Key.startsWith("mastodon/settings/"));
  const keys = own.map(({ Key, Value }) => `${Key}=${Buffer.from(Value ?? "", "base64").toString("utf8")}`);
  const lists = [
    "/v1/health/node/jail1",
    "/v1/catalog/node/jail1",
    "/v1/health/state/any",
    "/v1/session/list",
  ];
  const answers = await Promise.all(
    lists.map(async (list) => [list, JSON.stringify(await consul.request("GET", list))] as const),
  );
  return [["Consul's KV", keys.join("\n")], ...answers];
}
