import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { probeElasticsearch } from "../../src/probe/probe.ts";
import { freePort } from "../world/ports.ts";
import { limits } from "./limits.ts";

/** No package of Debian's or npm's has a server; it answers as theirs do: 401 without a login that it knows, 403 for one without rights. */
async function startServer() {
  const server = createServer(({ headers, url }, response) => {
    const [, encoded = ""] = (headers.authorization ?? "").split(" ");
    const login = Buffer.from(encoded, "base64").toString();
    const status = new Map([
      ["elastic:right:1", 200],
      ["guest:right:1", 403],
      ["busy:right:1", 503],
    ]);
    response.writeHead(url === "/" ? (status.get(login) ?? 401) : 404).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const at = (port: number, user?: string, password = "right:1") => ({
  scheme: "http" as const,
  host: "127.0.0.1",
  port,
  ...(user !== undefined && { login: { user, password: new Secret(password) } }),
});

test("a server that accepts the user is good, whatever characters the password has", async () => {
  await using server = await startServer();
  expect(await probeElasticsearch(at(server.port, "elastic"), limits())).toEqual({ kind: "writable" });
});

test.each([
  ["no login", undefined, "right:1", "refuses the user or the password"],
  ["a wrong password", "elastic", "wrong", "refuses the user or the password"],
  ["a user without rights", "guest", "right:1", "does not let this user query anything"],
  ["a server that is not ready", "busy", "right:1", "answers with status 503"],
])("%s is reported", async (_, user, password, reason) => {
  await using server = await startServer();
  const result = await probeElasticsearch(at(server.port, user, password), limits());
  expect(result).toMatchObject({ kind: "refused", reason });
});

test("a port where nothing listens is unreachable", async () => {
  const result = await probeElasticsearch(at(await freePort()), limits());
  expect(result).toMatchObject({ kind: "unreachable" });
});
