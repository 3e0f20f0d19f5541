import http from "node:http";
import { promisify } from "node:util";

/** The least that any watcher must do: hold a blocking query, and know when it is answered. It reads nothing of the answer. */
export async function holdQuery(address: string, path: string): Promise<() => Promise<number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const index = await ask(agent, `${address}${path}`);
  const answered = ask(agent, `${address}${path}&index=${index}&wait=60s`).then(() => {
    agent.destroy();
    return performance.now();
  });
  // The question must have reached Consul before anything is put.
  await promisify(setImmediate)();
  return () => answered;
}

async function ask(agent: http.Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(String(response.headers["x-consul-index"] ?? "1")));
    });
    request.once("error", reject);
  });
}
