#!/bin/sh
# s3rver (the npm packages "s3rver" and "@20minutes/s3rver", a stand-in for S3 in tests) knows buckets by host name, as
# S3 does (mastodon.s3.amazonaws.com), and checks version 2 signatures of such requests well. A version 4 signature, which
# all current clients make, it checks against the path that it has rewritten (/mastodon/key) instead of the one that the
# client signed (/key), so every signed request by host name is refused. One would guess that what S3 takes is taken here
# too, or that neither version of the signature is.
#
# Seen with @20minutes/s3rver 5.0.0 and aws4 1.13.2: signed as for S3: 403 SignatureDoesNotMatch; by path to localhost: 200.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @20minutes/s3rver@5.0.0 aws4@1.13.2 >/dev/null 2>&1
cat >ask.cjs <<'SCRIPT'
const http = require("node:http");
const aws4 = require("aws4");
const S3rver = require("@20minutes/s3rver");
const key = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const server = new S3rver({
  address: "127.0.0.1", port: 0, silent: true, directory: `${__dirname}/data`, configureBuckets: [{ name: "mastodon" }],
});
server.run().then(async ({ port }) => {
  const ask = (host, path) =>
    new Promise((resolve) => {
      const { headers } = aws4.sign({ service: "s3", region: "us-east-1", host, path, method: "GET" }, key);
      http.get({ host: "127.0.0.1", port, path, headers }, async (response) => {
        const body = (await response.setEncoding("utf8").toArray()).join("");
        resolve(`${response.statusCode}${/<Code>(.*?)<\/Code>/.exec(body)?.[1].replace(/^/, " ") ?? ""}`);
      });
    });
  console.log(await ask(`localhost:${port}`, "/mastodon"));
  console.log(await ask("mastodon.s3.amazonaws.com", "/"));
  await server.close();
});
SCRIPT
node ask.cjs >answers
echo "@20minutes/s3rver 5.0.0, aws4 1.13.2, node $(node --version)"
echo "by path: $(sed -n 1p answers)"
echo "by host: $(sed -n 2p answers)"
[ "$(sed -n 1p answers)" = "200" ]
[ "$(sed -n 2p answers)" = "403 SignatureDoesNotMatch" ]
echo "as stated"
