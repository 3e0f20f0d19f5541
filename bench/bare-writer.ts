/**
 * The least that a program must do that keeps a file in step with Consul and does not lose it to a power cut: a bare
 * blocking query, and each answer is written beside the file, synced, and renamed. It looks at no value.
 * Arguments: address, key, file.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";

const [address = "", key = "", file = ""] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
/** As long as the agent's own file. */
const PADDING = `# ${"x".repeat(1500)}\n`;

for (let index = "0"; ; ) {
  const answer = await ask(`${address}/v1/kv/${key}?raw&index=${index}&wait=60s`);
  index = answer.index;
  write(`SMTP_PORT=${answer.value}\n${PADDING}`);
}

function write(text: string): void {
  const temporary = `${file}.new`;
  const handle = openSync(temporary, "w", 0o600);
  writeFileSync(handle, text);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(temporary, file);
  const folder = openSync(path.dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}

async function ask(url: string): Promise<{ value: string; index: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      let value = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        value += part;
      });
      response.once("end", () =>
        resolve({ value, index: String(response.headers["x-consul-index"] ?? "1") }),
      );
    });
    request.once("error", reject);
  });
}
