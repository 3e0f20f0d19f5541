#!/bin/sh
# A watch of the npm package "consul" goes on after any error but one: a single answer 400 ends it for good, with the
# event "end", although a proxy in front of Consul or a parameter that a newer server refuses may answer so once and well
# the next time. One would guess that a watch, which retries 403, 500 and a lost connection for ever, retries this too.
#
# Seen with consul 2.0.1: change, error "bad request", end; asked 2 times, not running. With 500 in place of 400: asked again.
set -eu
VERSION=2.0.1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "consul@$VERSION" >/dev/null 2>&1
cat >watch.cjs <<'SCRIPT'
const http = require("node:http");
const Consul = require("consul");
const status = Number(process.argv[2]);
let asked = 0;
const server = http.createServer((_, response) => {
  asked += 1;
  response.writeHead(asked === 2 ? status : 200, { "content-type": "application/json", "x-consul-index": String(asked) });
  response.end("[]");
});
server.listen(0, "127.0.0.1", () => {
  const client = new Consul({ host: "127.0.0.1", port: server.address().port });
  const watch = client.watch({ method: client.health.service, options: { service: "web" }, backoffFactor: 10 });
  const done = (how) => {
    console.log(`${how} after ${asked} questions, running: ${watch.isRunning()}`);
    process.exit();
  };
  watch.on("error", () => {});
  watch.on("end", () => done("ended"));
  watch.on("change", () => asked > 2 && done("went on"));
  const look = setInterval(() => asked > 2 && done("went on"), 50);
  look.unref();
});
SCRIPT
echo "consul $VERSION, $(node --version)"
bad=$(node watch.cjs 400)
broken=$(node watch.cjs 500)
echo "one answer 400: $bad"
echo "one answer 500: $broken"
[ "$bad" = "ended after 2 questions, running: false" ]
[ "${broken%% after*}" = "went on" ]
echo "as stated"
