import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { codeOf, Misconfigured, messageOf } from "../base/errors.ts";
import { printable } from "../base/visible.ts";
import type { JournalEntry } from "./journal-entry.ts";
import type { Notice } from "./notice.ts";
import { ASSETS, MANUAL } from "./page/names.ts";
import type { Page } from "./page/page.ts";
import type { Reply, Stream } from "./reply.ts";
import type { Status } from "./status.ts";

/** Where the agent answers questions about itself. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** What there is to see. */
export interface Views {
  readonly status: () => Status;
  /** Every change and hold on record, oldest first. */
  readonly journal: () => Promise<readonly JournalEntry[]>;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Notifies when the status or the changes differ. */
  readonly notice: Notice;
}

interface Shown extends Views {
  readonly page: () => Promise<Page>;
}

type Answer = Reply | Stream;
type Route = (shown: Shown) => Answer | Promise<Answer>;

/**
 * Read-only. `/`: the status page; `/health`: the process lives; `/ready`: what the sources ask for is in force, as far
 * as anybody knows; `/status`: everything; `/history`: what has changed; `/metrics`: for Prometheus; `/events`: what keeps
 * the page fresh; `/docs/...`: what each problem means, and the rest of the documentation.
 */
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["/", async ({ page }) => (await page()).document()],
  ["/health", () => ({ code: 200, type: TEXT, body: "OK\n" })],
  [
    "/ready",
    ({ status }) => {
      const { ready, state, reason } = status();
      return { code: ready ? 200 : 503, type: TEXT, body: `${state}: ${reason}\n` };
    },
  ],
  ["/status", ({ status }) => json(status())],
  ["/metrics", async ({ metrics }) => ({ code: 200, type: PROMETHEUS, body: await metrics() })],
  ["/history", async ({ journal }) => json(await journal())],
  ["/events", async ({ page }) => (await page()).events()],
  ...ASSETS.map((name): [string, Route] => [
    `/assets/${name}`,
    async ({ page }) => (await page()).asset(name),
  ]),
  ...MANUAL.map((name): [string, Route] => [
    `/docs/${name}`,
    async ({ page }) => (await page()).manual(name),
  ]),
]);

/** Serves until it is disposed of. @throws Misconfigured when the address cannot be bound */
export async function openHttp(address: HttpAddress, views: Views): Promise<AsyncDisposable> {
  const shown = { ...views, page: pageOf(views) };
  const server = createServer((request, response) => void answer(request, response, shown));
  await listen(server, address);
  return { [Symbol.asyncDispose]: () => close(server) };
}

/** Loaded when it is first asked for. */
function pageOf(views: Views): () => Promise<Page> {
  let page: Promise<Page> | undefined;
  return () => {
    page ??= import("./page/page.ts").then(({ openPage }) => openPage(views));
    return page;
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, shown: Shown): Promise<void> {
  const found = await reply(request, shown).catch(failed);
  const isHead = request.method === "HEAD";
  if ("stream" in found && !isHead) return found.stream(response);
  const { code, type, body, headers } = "stream" in found ? STREAM_HEAD : found;
  response.writeHead(code, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(isHead ? undefined : body);
}

async function reply({ method, url = "/" }: IncomingMessage, shown: Shown): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return { code: 405, type: TEXT, body: "read-only: use GET\n" };
  const route = ROUTES.get(url.replace(/\?.*$/, ""));
  if (route !== undefined) return route(shown);
  const documents = [...ROUTES.keys()].filter((path) => !/^\/(assets|docs)\//.test(path));
  return { code: 404, type: TEXT, body: `not found; try ${documents.join(", ")}, /docs/problems\n` };
}

/** The agent does not end because it cannot show itself. */
function failed(error: unknown): Reply {
  return { code: 500, type: TEXT, body: `${messageOf(error)}\n` };
}

function json(document: unknown): Reply {
  return { code: 200, type: "application/json", body: `${printable(JSON.stringify(document, null, 2))}\n` };
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
        cure: "Is another agent running here? If not, set another address under http in the configuration file.",
      },
      { cause: error },
    );
  }
}

/** Open connections would hold up the end. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

const TEXT = "text/plain; charset=utf-8";
const STREAM_HEAD: Reply = { code: 200, type: "text/event-stream", body: "" };
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
