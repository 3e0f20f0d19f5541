import { join } from "node:path";
import { program } from "./programs.ts";
import { run, start, whileRunning } from "./spawn.ts";
import { until } from "./until.ts";

export interface NginxServer extends AsyncDisposable {
  readonly pid: number;
  /** Reads its configuration again. */
  reload(): void;
  stop(): Promise<void>;
}

export interface NginxOptions {
  readonly configuration: string;
  /** Where relative paths of the configuration start; nginx writes there. */
  readonly prefix: string;
  /** A URL that answers, with whatever status, once nginx is up. */
  readonly ready: string;
}

/** A real nginx in the foreground with a given configuration, which names its own ports. */
export async function startNginx({ configuration, prefix, ready }: NginxOptions): Promise<NginxServer> {
  const argv = ["-p", prefix, "-c", configuration, "-e", join(prefix, "error.log")];
  const running = await start(program("nginx"), [...argv, "-g", "daemon off;"], { stopSignal: "SIGQUIT" });
  await whileRunning(
    "nginx",
    running,
    until(`nginx to answer at ${ready}`, () => fetch(ready)),
  );
  return {
    pid: running.pid,
    reload: () => running.signal("SIGHUP"),
    stop: async () => void (await running.stop()),
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  };
}

/** `nginx -t`: throws with nginx's own words when it does not like the configuration. */
export async function checkNginx(configuration: string, prefix: string): Promise<void> {
  await run(program("nginx"), ["-t", "-q", "-p", prefix, "-c", configuration, "-e", "stderr"]);
}
