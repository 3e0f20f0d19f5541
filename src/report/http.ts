import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { codeOf, Misconfigured, messageOf } from "../base/errors.ts";
import type { Change } from "./change.ts";
import type { Notice } from "./notice.ts";
import type { Status } from "./status.ts";

/** Where the agent answers questions about itself. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

interface Reply {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

/** What there is to see. */
export interface Views {
  readonly status: () => Status;
  /** Every change on record, oldest first. */
  readonly changes: () => Promise<readonly Change[]>;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Tells when the status or the changes are others. */
  readonly notice: Notice;
}

type Route = (views: Views) => Reply | Promise<Reply>;

/** Read-only. `/health`: the process lives; `/ready`: what the sources ask for is in force; `/status`: everything; `/history`: what has changed; `/metrics`: for Prometheus. */
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/health", () => ({ code: 200, type: TEXT, body: "OK\n" })],
  [
    "/ready",
    ({ status }) => {
      const { state, reason } = status();
      return { code: state === "converged" ? 200 : 503, type: TEXT, body: `${state}: ${reason}\n` };
    },
  ],
  ["/status", ({ status }) => json(status())],
  ["/metrics", async ({ metrics }) => ({ code: 200, type: PROMETHEUS, body: await metrics() })],
  ["/history", async ({ changes }) => json(await changes())],
]);

/** Serves until it is disposed of. @throws Misconfigured when the address cannot be bound */
export async function openHttp(address: HttpAddress, views: Views): Promise<AsyncDisposable> {
  const server = createServer((request, response) => void answer(request, response, views));
  await listen(server, address);
  return { [Symbol.asyncDispose]: () => close(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, views: Views): Promise<void> {
  const { code, type, body } = await reply(request, views);
  response.writeHead(code, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function reply({ method, url = "/" }: IncomingMessage, views: Views): Promise<Reply> {
  if (method !== "GET" && method !== "HEAD") return { code: 405, type: TEXT, body: "read-only: use GET\n" };
  const route = ROUTES.get(url.replace(/\?.*$/, ""));
  if (route !== undefined) return route(views);
  return { code: 404, type: TEXT, body: `not found; there are ${[...ROUTES.keys()].join(", ")}\n` };
}

function json(document: unknown): Reply {
  return { code: 200, type: "application/json", body: `${JSON.stringify(document, null, 2)}\n` };
}

async function listen(server: Server, { host, port }: HttpAddress): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new Misconfigured(
      {
        where: `http: ${host}:${port}`,
        what: codeOf(error) === "EADDRINUSE" ? "the address is in use" : messageOf(error),
        cure: "Is another agent running here? Otherwise set another address under http in the configuration file.",
      },
      { cause: error },
    );
  }
}

/** Connections that are kept open would hold the end up. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

const TEXT = "text/plain; charset=utf-8";
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
