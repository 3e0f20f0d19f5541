/** Where Mastodon's two readers find Redis with a rendered `.env.production`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "dotenv";
import { Redis } from "ioredis";
import * as z from "zod";
import { checkout, program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

const place = z.object({
  host: z.string(),
  port: z.number(),
  db: z.number(),
  user: z.string(),
  password: z.string(),
});
const read = place.extend({
  isUserPlain: z.boolean(),
  answer: z
    .string()
    .nullable()
    .transform((text) => text ?? undefined),
});
const seen = z.array(z.record(z.enum(["", "CACHE_", "SIDEKIQ_"]), z.nullable(read)));

/** Rails, by prefix: for each text, with dotenv, Addressable and redis-rb; undefined where it cannot start. */
export async function readByRails(
  texts: readonly string[],
  { ask = false } = {},
): Promise<z.infer<typeof seen>> {
  await using folder = await temporaryFolder("rails");
  const [input, output] = [folder.file("texts.json"), folder.file("seen.json")];
  await writeFile(input, JSON.stringify(texts));
  const script = join(checkout(), "test", "run", "fixtures", "read-redis.rb");
  await run(program("ruby"), [script, input, output, ...(ask ? ["ask"] : [])]);
  return seen.parse(JSON.parse(await readFile(output, "utf8")));
}

/** The client that `streaming/redis.js` makes from such a text since Mastodon 4.4. It connects when first asked. */
export function streamingClient(text: string): Redis {
  const env = parse(text);
  const common = { family: 0, lazyConnect: true, maxRetriesPerRequest: 0 };
  const [url, host, username, password] = [
    env["REDIS_URL"],
    env["REDIS_HOST"] ?? "127.0.0.1",
    env["REDIS_USER"],
    env["REDIS_PASSWORD"],
  ];
  if (url) return new Redis(url, common);
  return new Redis({
    host,
    port: Number(env["REDIS_PORT"] ?? 6379),
    db: Number(env["REDIS_DB"] ?? 0),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...common,
  });
}

/** Where streaming looks for Redis. */
export function readByStreaming(text: string): z.infer<typeof place> {
  const client = streamingClient(text);
  const { host, port, db, username, password } = client.options;
  client.disconnect();
  return place.parse({ host, port, db, user: username ?? "", password: password ?? "" });
}
