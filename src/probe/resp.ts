/**
 * A conversation with Redis in its protocol, RESP2: commands out, one reply each. A client library reconnects, queues
 * and caches, costs 4 to 11 MB of memory and 35 ms to load; a probe needs none of it.
 */
import type { Duplex } from "node:stream";
import RedisParser from "redis-parser";

export type Reply =
  | { readonly kind: "value"; readonly value: unknown }
  /** The first word of the message, such as `NOAUTH`. */
  | { readonly kind: "error"; readonly code: string };

/**
 * Sends the commands and waits for their replies; fewer if the server closes the connection.
 *
 * @throws the connection's error, or the parser's for what is not RESP
 */
export function converse(
  stream: Duplex,
  commands: readonly (readonly string[])[],
): Promise<readonly Reply[]> {
  return new Promise((resolve, reject) => {
    const replies: Reply[] = [];
    const add = (reply: Reply) => {
      if (replies.push(reply) === commands.length) resolve(replies);
    };
    const parser = new RedisParser({
      returnReply: (value: unknown) => add({ kind: "value", value }),
      returnError: ({ message }) => add({ kind: "error", code: /^[A-Z]*/.exec(message)?.[0] ?? "" }),
      returnFatalError: reject,
    });
    stream.on("data", (chunk: Buffer) => parser.execute(chunk));
    stream.on("error", reject);
    stream.on("close", () => resolve(replies));
    stream.write(commands.map(encode).join(""));
  });
}

function encode(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}
