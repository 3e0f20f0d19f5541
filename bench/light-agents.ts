/**
 * `node bench/light-agents.ts <agents> <Consul's address> <folder>`: many agents in one process, each with a node
 * name, a state and a file of its own. A process each would cost this machine's memory, and Consul sees no difference.
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { RefusedConfiguration } from "../src/agent/refused-configuration.ts";
import { runAgent } from "../src/agent.ts";
import { readOptions } from "../src/options.ts";
import { silentLog } from "../src/report/log.ts";
import { SyslogRelay } from "../src/report/syslog-relay.ts";
import { HOSTS, JAIL } from "../test/world/agent.ts";
import { freePorts } from "../test/world/ports.ts";

const [count = "1", address = "", folder = ""] = process.argv.slice(2);
const end = new AbortController();
process.once("SIGTERM", () => end.abort());

const ports = await freePorts(Number(count));
await mkdir(path.join(folder, "files"), { recursive: true });
const running = ports.map(async (port, at) => {
  const own = path.join(folder, `agent-${at}`);
  await mkdir(own, { recursive: true });
  const configFile = path.join(own, "agent.yaml");
  await writeFile(configFile, stringify(configuration(own, at, port)));
  const environment = {
    ...JAIL,
    ...HOSTS,
    NODENAME: `light-${at}`,
    DOMAIN: `light-${at}.example.org`,
    CONSUL_HTTP_ADDR: address,
  };
  const options = readOptions({
    environment,
    configFile,
    templates: path.join(import.meta.dirname, "..", "templates"),
  });
  const relay = new SyslogRelay(process.pid);
  const refused = new RefusedConfiguration(process.pid);
  await runAgent({ options, log: silentLog(), relay, refused, version: "bench" }, end.signal);
});
await Promise.all(running);

function configuration(own: string, at: number, port: number): object {
  return {
    profile: "none",
    paths: { keys: path.join(own, "keys"), state: path.join(own, "state"), mastodon: own },
    keys: { require_mount: "" },
    dependencies: {
      postgres: { service: "", probe: false },
      redis: { service: "light-redis", probe: false, sentinel: { service: "" } },
      s3: { service: "", probe: false },
    },
    files: {
      env: { template: "env.production.hbs", path: path.join(folder, "files", `${at}.env`), mode: "0640" },
    },
    units: {},
    // Each would have a Consul client of its own to tell what it has; here all of them share one.
    announce: { enabled: false },
    settle: { min: "0ms", max: "0ms" },
    reload: { min_interval: "0ms" },
    http: `127.0.0.1:${port}`,
  };
}
