import { once } from "node:events";
import { appendFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { program } from "./programs.ts";
import { type Running, run, start, whileRunning } from "./spawn.ts";
import type { TemporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

/** A real syslog-ng that runs with a given configuration, with all that it keeps in one folder. */
export interface SyslogNg extends AsyncDisposable {
  /** Reads its configuration again. */
  reload(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
  output(): string;
}

export async function startSyslogNg(folder: TemporaryFolder, configuration: string): Promise<SyslogNg> {
  await writeFile(folder.file("syslog-ng.conf"), configuration);
  let running: Running;
  const boot = async () => {
    running = await start(program("syslog-ng"), ["--foreground", "--no-caps", ...placesIn(folder)]);
    await whileRunning("syslog-ng", running, answers(folder));
  };
  await boot();
  return {
    reload: () => running.signal("SIGHUP"),
    stop: async () => void (await running.stop()),
    start: boot,
    output: () => running.output(),
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  };
}

/** Once it has its control socket its sources are open. */
export function answers(folder: TemporaryFolder): Promise<unknown> {
  return until("syslog-ng to answer", async () => {
    const socket = connect(folder.file("control"));
    await once(socket, "connect");
    socket.destroy();
    return true;
  });
}

/** Arguments with which a syslog-ng keeps to its folder. */
export function placesIn(folder: TemporaryFolder): readonly string[] {
  return [
    `--cfgfile=${folder.file("syslog-ng.conf")}`,
    `--persist-file=${folder.file("persist")}`,
    `--pidfile=${folder.file("pid")}`,
    `--control=${folder.file("control")}`,
  ];
}

/** Hands lines to a log socket, as syslog(3) of the C library does. */
export async function logTo(
  socket: string,
  tag: string,
  lines: readonly string[],
  form: "local" | "rfc5424" = "local",
): Promise<void> {
  const file = `${socket}.${tag}.lines`;
  await writeFile(file, lines.map((line) => `${line}\n`).join(""));
  const how = ["--socket", socket, "--udp", "--socket-errors=on", ...(form === "local" ? [] : [`--${form}`])];
  await run("logger", [...how, "--tag", tag, "--priority", "daemon.notice", "--file", file]);
}

/** Adds lines to a log file. */
export async function appendTo(file: string, lines: readonly string[]): Promise<void> {
  await appendFile(file, lines.map((line) => `${line}\n`).join(""));
}
