import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mastodon } from "../world/mastodon.ts";
import { freePort } from "../world/ports.ts";
import { program } from "../world/programs.ts";
import { until } from "../world/until.ts";

/** nginx before the stand-in, with the shipped template; the agent starts and reloads it. */
export interface NginxFront {
  readonly url: string;
  /** What the agent's configuration says of it. */
  readonly file: object;
  readonly unit: object;
  readonly values: object;
  stop(): Promise<void>;
}

export async function prepareNginxFront({ folder, webUrl, streamingUrl }: Mastodon): Promise<NginxFront> {
  const home = join(folder, "nginx");
  await mkdir(join(home, "cache"), { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const [path, pidfile] = [join(home, "nginx.conf"), join(home, "nginx.pid")];
  const nginx = [program("nginx"), "-q", "-e", join(home, "error.log")];
  const pid = () => readFile(pidfile, "utf8").then(Number, () => undefined);
  return {
    url: `http://${address}`,
    file: { template: "nginx.conf.hbs", path, check: [...nginx, "-t", "-c", "{file}"], units: ["nginx"] },
    unit: {
      reload: [{ signal: "HUP", pidfile }],
      start: [{ run: [...nginx, "-c", path] }],
      health: { tcp: address, timeout: "10s" },
    },
    values: {
      user: "root",
      pid: pidfile,
      log: home,
      cache: join(home, "cache"),
      ca: "",
      web: new URL(webUrl).host,
      streaming: new URL(streamingUrl).host,
      http: [address],
    },
    stop: async () => {
      const running = await pid();
      if (running === undefined) return;
      process.kill(running, "SIGQUIT");
      await until("nginx to end", async () => (await pid()) === undefined);
    },
  };
}
