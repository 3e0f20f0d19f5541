import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./world/ports.ts";
import { startTcpProxy, type Target } from "./world/tcp-proxy.ts";
import { until } from "./world/until.ts";

test("undisturbed data passes, both ways and to the end", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy(server);
  await using client = await dial(proxy);
  client.socket.end("hello".repeat(100_000));
  await until("the end", () => client.ended());
  expect(client.received()).toBe(`a${"hello".repeat(100_000)}`);
  await until("both sides to be closed", () => proxy.connections() === 0 && server.connections() === 0);
});

test("a delay holds everything back, in order", async () => {
  await using server = await echo("");
  await using proxy = await startTcpProxy(server);
  await using client = await dial(proxy);
  await proxy.set({ delayMs: 100 });
  const sentMs = performance.now();
  client.socket.write("first ");
  await until("the server to have it", () => server.received() === "first ");
  client.socket.write("second ");
  await proxy.set("pass");
  client.socket.write("third");
  await until("the echo", () => client.received() === "first second third");
  // At least the way there took that long.
  expect(performance.now() - sentMs).toBeGreaterThan(95);
});

test("a cut closes open and new connections, and ends with the next fault", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy(server);
  await using client = await talk(proxy);
  await proxy.set("cut");
  await until("the end", () => client.ended());
  expect(client.error()).toBeUndefined();
  await until("the server to see it", () => server.connections() === 0);
  await using next = await dial(proxy);
  await until("the next one's end", () => next.ended());
  await proxy.set("pass");
  await using last = await talk(proxy);
  expect(last.ended()).toBe(false);
});

test("a reset arrives as a reset", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy(server);
  await using client = await talk(proxy);
  await proxy.set("reset");
  await until("the error", () => client.error() === "ECONNRESET");
  await until("the server to see it", () => server.connections() === 0);
});

test("new connections are refused, existing ones are not", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy(server);
  await using client = await talk(proxy);
  await proxy.set("refuse");
  await expect(dial(proxy)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  client.socket.write("still there");
  await until("the echo", () => client.received().endsWith("still there"));
  await proxy.set("pass");
  await using _next = await talk(proxy);
});

test("half-open connections swallow everything for ever, and neither side notices", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy(server);
  await using client = await talk(proxy);
  await proxy.set("half-open");
  client.socket.write("lost");
  await using next = await dial(proxy);
  next.socket.write("lost");
  await until("both to have written", () => client.flushed() && next.flushed());

  await proxy.set("pass");
  client.socket.write("lost too");
  await using last = await talk(proxy);
  last.socket.write("found");
  await until("the echo of the last", () => last.received().endsWith("found"));
  expect([client, next].map((each) => [each.received(), each.ended(), each.error()])).toEqual([
    ["ahello", false, undefined],
    ["", false, undefined],
  ]);
  await client[Symbol.asyncDispose]();
  await last[Symbol.asyncDispose]();
  await until("the server to see the last go", () => server.connections() === 1);
});

test("a proxy whose target is away resets, and uses another one when told", async () => {
  await using server = await echo("a");
  await using proxy = await startTcpProxy({ host: server.host, port: await freePort() });
  await using client = await dial(proxy);
  await until("the reset", () => client.error() === "ECONNRESET");
  proxy.moveTo(server);
  await using _next = await talk(proxy);
});

test("a proxy that goes out of scope leaves no connection", async () => {
  await using server = await echo("a");
  const proxy = await startTcpProxy(server);
  await using client = await talk(proxy);
  await using dead = await talk(proxy);
  await proxy.set("half-open");
  await proxy[Symbol.asyncDispose]();
  await until("the server to be alone", () => server.connections() === 0);
  await until("the clients to be closed", () => client.ended() && dead.ended());
});

/** A server that greets and then sends back what it gets. */
async function echo(greeting: string) {
  const sockets = new Set<Socket>();
  let received = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.write(greeting);
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.pipe(socket);
  });
  const host = "127.0.0.1";
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    host,
    port,
    connections: () => sockets.size,
    received: () => received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function dial({ host, port }: Target) {
  const socket = connect(port, host);
  let received = "";
  let ended = false;
  let error: string | undefined;
  socket.setEncoding("utf8").on("data", (text) => {
    received += text;
  });
  socket.once("end", () => {
    ended = true;
  });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", (reason) => {
    error = "code" in reason ? String(reason.code) : reason.message;
  });
  return {
    socket,
    received: () => received,
    ended: () => ended,
    error: () => error,
    flushed: () => socket.writableLength === 0,
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}

/** A connection through which something has already passed, both ways. */
async function talk(target: Target) {
  const client = await dial(target);
  client.socket.write("hello");
  await until("the greeting and the echo", () => client.received() === "ahello");
  return client;
}
