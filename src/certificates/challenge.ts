/**
 * Answers an HTTP-01 challenge (RFC 8555, 8.3): through nginx, which serves the web root, or from here while nothing
 * listens there. The answer is checked before the authority is asked, because a failed validation counts against the
 * site.
 */
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer, get, type Server } from "node:http";
import { connect } from "node:net";
import path from "node:path";
import { codeOf, messageOf, Unavailable } from "../base/errors.ts";
import { replace, writeTemporary } from "../state/durable.ts";

export interface ChallengePlaces {
  /** nginx serves `/.well-known/acme-challenge/` from here. */
  readonly webroot: string;
  /** Where the authority's challenge arrives: at nginx, or at nothing yet. */
  readonly listen: { readonly host: string; readonly port: number };
}

export interface Challenge {
  readonly domain: string;
  readonly token: string;
  readonly content: string;
}

const PREFIX = "/.well-known/acme-challenge/";
const PATIENCE_MS = 5000;

/** Until it is disposed of. @throws Unavailable when this machine itself cannot get the answer */
export async function answer(challenge: Challenge, places: ChallengePlaces): Promise<AsyncDisposable> {
  // The token becomes a file name (RFC 8555 has it base64url).
  if (!/^[A-Za-z0-9_-]+$/.test(challenge.token))
    throw unanswered(challenge, places, "its token is not valid");
  await using making = new AsyncDisposableStack();
  if (await isTaken(places.listen)) making.use(await place(challenge, places));
  else making.use(await serve(challenge, places));
  const found = await look(challenge, places);
  if (found !== challenge.content)
    throw unanswered(challenge, places, `from here the answer is ${JSON.stringify(found.slice(0, 80))}`);
  return making.move();
}

async function isTaken(listen: ChallengePlaces["listen"]): Promise<boolean> {
  const socket = connect(reachable(listen));
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** In the web root, readable for nginx. */
async function place(challenge: Challenge, places: ChallengePlaces): Promise<AsyncDisposable> {
  const file = path.join(places.webroot, PREFIX, challenge.token);
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    await replace(await writeTemporary(file, challenge.content, { mode: 0o644 }), file);
  } catch (error) {
    throw unanswered(challenge, places, `${file} cannot be written (${messageOf(error)})`, error);
  }
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

async function serve(challenge: Challenge, places: ChallengePlaces): Promise<AsyncDisposable> {
  const server = createServer(({ url }, response) => {
    const isAsked = url === `${PREFIX}${challenge.token}`;
    response.writeHead(isAsked ? 200 : 404, { "content-type": "text/plain", connection: "close" });
    response.end(isAsked ? challenge.content : "not found\n");
  });
  try {
    server.listen(places.listen.port, places.listen.host);
    await once(server, "listening");
  } catch (error) {
    throw unanswered(challenge, places, `nothing listens there, and ${messageOf(error)}`, error);
  }
  return { [Symbol.asyncDispose]: () => close(server) };
}

/** The answer as the authority would get it, or what went wrong. */
async function look({ domain, token }: Challenge, { listen }: ChallengePlaces): Promise<string> {
  try {
    const { host, port } = reachable(listen);
    const headers = { host: domain };
    const request = get({
      host,
      port,
      path: `${PREFIX}${token}`,
      headers,
      timeout: PATIENCE_MS,
      agent: false,
    });
    request.once("timeout", () => request.destroy(new Error("no answer")));
    const [response] = await once(request, "response");
    const body = (await response.setEncoding("utf8").toArray()).join("");
    return response.statusCode === 200 ? body : `${response.statusCode} ${response.statusMessage}`;
  } catch (error) {
    return codeOf(error) ?? messageOf(error);
  }
}

/** Where to connect to for something that listens everywhere. */
function reachable({ host, port }: ChallengePlaces["listen"]): { host: string; port: number } {
  const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return { host: everywhere[host] ?? host, port };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function unanswered(
  { domain }: Challenge,
  { webroot, listen }: ChallengePlaces,
  what: string,
  cause?: unknown,
): Unavailable {
  const where = `challenge for ${domain} at ${listen.host}:${listen.port}`;
  const cure = `Make what listens there serve ${PREFIX} from ${webroot}, readable by its user, or let the agent listen itself (certificates.listen). The authority was not asked.`;
  return new Unavailable({ what, where, cure }, { cause });
}
