import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import * as z from "zod";
import { freePort } from "./ports.ts";
import { program } from "./programs.ts";
import { type Running, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

const received = z.object({
  severity: z.string(),
  facility: z.string(),
  host: z.string(),
  program: z.string(),
  pid: z.string(),
  /** As the message says, and the two fields of its JSON that every line has. */
  time: z.string(),
  level: z.string(),
  msg: z.string(),
  text: z.string(),
});

export type Received = z.infer<typeof received>;

/** A real syslog-ng that takes RFC 5424 by TCP, as its `syslog()` source does without further options. */
export interface SyslogServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What has arrived, as syslog-ng has understood it. */
  received(): Promise<readonly Received[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startSyslog(host = "127.0.0.1", given?: number): Promise<SyslogServer> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("syslog"));
  const port = given ?? (await freePort(host));
  const output = folder.file("received");
  await writeFile(folder.file("syslog-ng.conf"), configuration(host, port, output));
  await writeFile(output, "");
  const boot = () => bootIn(folder.path, host, port);
  let running = await boot();
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();
  return {
    host,
    port,
    received: async () => {
      const lines = (await readFile(output, "utf8")).split("\n").slice(0, -1);
      return lines.map((line) => received.parse(JSON.parse(line)));
    },
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

async function bootIn(folder: string, host: string, port: number): Promise<Running> {
  const argv = ["--foreground", "--no-caps", `--cfgfile=${folder}/syslog-ng.conf`];
  const own = [`--persist-file=${folder}/persist`, `--pidfile=${folder}/pid`, `--control=${folder}/control`];
  const running = await start(program("syslog-ng"), [...argv, ...own]);
  const answers = until("syslog-ng to listen", async () => {
    const socket = connect(port, host);
    await once(socket, "connect");
    socket.destroy();
    return true;
  });
  await whileRunning("syslog-ng", running, answers);
  return running;
}

function configuration(host: string, port: number, output: string): string {
  const pairs = {
    severity: "$LEVEL",
    facility: "$FACILITY",
    host: "$HOST",
    program: "$PROGRAM",
    pid: "$PID",
    time: "$S_ISODATE",
    level: "$json_level",
    msg: "$json_msg",
    text: "$MSG",
  };
  const line = Object.entries(pairs).map(([name, macro]) => `--pair ${name}=${macro}`);
  return `@version: 3.38
options { keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0); frac-digits(3); };
source s_net { syslog(ip("${host}") port(${port}) transport("tcp")); };
parser p_json { json-parser(prefix("json_")); };
destination d_file { file("${output}" template("$(format-json ${line.join(" ")})\\n")); };
log {
  source(s_net);
  junction { channel { parser(p_json); flags(final); }; channel { }; };
  destination(d_file);
};
`;
}
