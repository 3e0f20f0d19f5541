import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { SyslogRelay } from "../../src/report/syslog-relay.ts";
import { freePort } from "../world/ports.ts";
import { until } from "../world/until.ts";

test("lines are kept until their destination is known, and none is sent once there is none", async () => {
  await using server = await receiver();
  await using relay = new SyslogRelay(1);
  relay.write(lineOf("first"));
  relay.aim(server.target);
  await until("the first line", () => server.text().includes("first"));
  relay.aim(undefined);
  relay.write(lineOf("second"));
  relay.aim(server.target);
  relay.write(lineOf("third"));
  await until("the third line", () => server.text().includes("third"));
  expect(server.text()).not.toContain("second");
});

test("the last lines are sent before the end", async () => {
  await using server = await receiver();
  {
    await using relay = new SyslogRelay(1);
    relay.aim(server.target);
    relay.write(lineOf("agent started"));
    await until("the connection", () => server.text().includes("agent started"));
    for (let at = 0; at < 100; at++) relay.write(lineOf(`line ${at};`));
  }
  await until("all of them", () => server.text().includes("line 99;"));
});

test("a server that takes nothing holds nothing up: the oldest lines are dropped, and their number is reported later", async () => {
  await using server = await receiver({ isReading: false });
  await using relay = new SyslogRelay(1);
  relay.aim(server.target);
  await until("the connection", () => server.connections() === 1);
  const long = "x".repeat(4000);
  for (let at = 0; at < 4000; at++) relay.write(lineOf(`${long} ${at};`));
  server.read();
  await until("the newest line", () => server.text().includes("x 3999;"));
  const lost = /"lost":(\d+),"msg":"log lines lost/.exec(server.text())?.[1];
  expect(Number(lost)).toBeGreaterThan(1000);
  expect(relay.trouble).toBeUndefined();
});

test("a port where nothing listens is one problem, which ends when something does", async () => {
  const port = await freePort();
  await using relay = new SyslogRelay(1);
  const told: (string | undefined)[] = [];
  relay.onChange = () => told.push(relay.trouble);
  relay.aim({ host: "127.0.0.1", port, node: "jail1" });
  relay.write(lineOf("kept"));
  await until("the trouble", () => relay.trouble?.includes("ECONNREFUSED"));
  await using server = await receiver({ port });
  await until("the line", () => server.text().includes("kept"));
  expect(told).toEqual([expect.stringContaining("ECONNREFUSED"), undefined]);
});

function lineOf(msg: string): string {
  return `${JSON.stringify({ level: "info", time: new Date().toISOString(), msg })}\n`;
}

/** A TCP server that keeps what it is sent. */
async function receiver({ port: given, isReading = true }: { port?: number; isReading?: boolean } = {}) {
  const port = given ?? (await freePort());
  const sockets = new Set<Socket>();
  let text = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        text += chunk;
      });
    if (!isReading) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    target: { host: "127.0.0.1", port, node: "jail1" },
    text: () => text,
    connections: () => sockets.size,
    read: () => {
      for (const socket of sockets) socket.resume();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
