// Streaming's half of the stand-in: reads .env.production with Node's dotenv, as Mastodon's streaming does.

import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import dotenv from "dotenv";

dotenv.config({ path: `.env.${process.env.RAILS_ENV ?? "production"}`, quiet: true });

const ANSWERS = {
  "/api/v1/streaming/health": () => "OK",
  "/env": () => JSON.stringify(process.env),
};

const server = createServer((request, response) => {
  const answer = ANSWERS[request.url];
  response.writeHead(answer === undefined ? 404 : 200).end(answer?.());
});

server.listen(Number(process.env.PORT ?? "4000"), process.env.BIND ?? "127.0.0.1", () => {
  appendFileSync("log/streaming.boots", `${JSON.stringify({ pid: process.pid, env: process.env })}\n`);
});

// At once, with 0, whoever is connected: as Mastodon's does.
process.once("SIGTERM", () => process.exit(0));
