import { connect as connectTo, createServer, type Socket } from "node:net";
import { freePort } from "../world/ports.ts";

/** A port that takes connections and, sooner or later, says nothing more on them: half-open, as after a power cut. */
export interface Silence extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections that their clients have not closed. */
  open(): number;
  /** All connections that there ever were. */
  total(): number;
}

/** @param behind a real server whose answers are passed on, but for those after the first `chunks` */
export async function startSilence(behind?: { port: number; chunks: number }): Promise<Silence> {
  const clients = new Set<Socket>();
  let total = 0;
  const server = createServer((client) => {
    total++;
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    if (behind === undefined) return void client.resume();
    let left = behind.chunks;
    const upstream = connectTo(behind.port, "127.0.0.1");
    upstream.on("error", () => {});
    upstream.on("data", (chunk) => left-- > 0 && client.write(chunk));
    client.pipe(upstream);
    client.on("close", () => upstream.destroy());
  });
  const host = "127.0.0.1";
  const port = await freePort(host);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    host,
    port,
    open: () => clients.size,
    total: () => total,
    [Symbol.asyncDispose]: () => {
      for (const client of clients) client.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
