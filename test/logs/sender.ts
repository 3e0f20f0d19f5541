/** A jail's syslog-ng with the shipped configuration, and what its programs write. */
import { completeInput, renderShipped } from "../render/world.ts";
import type { SyslogServer } from "../world/syslog.ts";
import { appendTo, logTo, type SyslogNg, startSyslogNg } from "../world/syslog-ng.ts";
import { type TemporaryFolder, temporaryFolder } from "../world/temporary.ts";

export interface Sender extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly daemon: SyslogNg;
  /** By the log socket, as a program of that name. */
  log(program: string, lines: readonly string[], form?: "local" | "rfc5424"): Promise<void>;
  /** Into a log file in the folder. */
  append(file: string, lines: readonly string[]): Promise<void>;
}

export async function startSender({ host, port }: Pick<SyslogServer, "host" | "port">): Promise<Sender> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("sender"));
  const changes = { NODENAME: "jail1", REMOTELOG: host, syslog_ng: syslogNgIn(folder, port) };
  const configuration = await renderShipped("syslog-ng.conf.hbs", completeInput(folder.path, changes));
  const daemon = starting.use(await startSyslogNg(folder, configuration));
  const release = starting.move();
  return {
    folder,
    daemon,
    log: (program, lines, form) => logTo(folder.file("log"), program, lines, form),
    append: (file, lines) => appendTo(folder.file(file), lines),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** What `values.syslog_ng` of a jail says, in a folder. */
export function syslogNgIn(folder: Pick<TemporaryFolder, "path" | "file">, port: number) {
  return {
    port: String(port),
    bsd: "",
    buffer: folder.path,
    buffer_bytes: "67108864",
    sockets: [folder.file("log")],
    local: folder.file("messages"),
    files: [{ program: "mastodon-agent", path: folder.file("mastodon-agent.log") }],
  };
}

export function numbered(what: string, from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, at) => `${what} ${from + at}`);
}
