import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { codeOf, Misconfigured, messageOf } from "../base/errors.ts";
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

type Route = (status: Status) => Reply;

/** Read-only. `/health`: the process lives; `/ready`: what the sources ask for is in force; `/status`: everything. */
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/health", () => ({ code: 200, type: TEXT, body: "OK\n" })],
  [
    "/ready",
    ({ state, reason }) => ({
      code: state === "converged" ? 200 : 503,
      type: TEXT,
      body: `${state}: ${reason}\n`,
    }),
  ],
  [
    "/status",
    (status) => ({ code: 200, type: "application/json", body: `${JSON.stringify(status, null, 2)}\n` }),
  ],
]);

/** Serves until it is disposed of. @throws Misconfigured when the address cannot be bound */
export async function openHttp(address: HttpAddress, status: () => Status): Promise<AsyncDisposable> {
  const server = createServer((request, response) => answer(request, response, status));
  await listen(server, address);
  return { [Symbol.asyncDispose]: () => close(server) };
}

function answer(request: IncomingMessage, response: ServerResponse, status: () => Status): void {
  const { code, type, body } = reply(request, status);
  response.writeHead(code, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function reply({ method, url = "/" }: IncomingMessage, status: () => Status): Reply {
  if (method !== "GET" && method !== "HEAD") return { code: 405, type: TEXT, body: "read-only: use GET\n" };
  const route = ROUTES.get(url.replace(/\?.*$/, ""));
  return (
    route?.(status()) ?? {
      code: 404,
      type: TEXT,
      body: `not found; there are ${[...ROUTES.keys()].join(", ")}\n`,
    }
  );
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
