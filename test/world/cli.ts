import { readFile } from "node:fs/promises";
import { AGENT, type TestAgent } from "./agent.ts";
import { type Running, start } from "./spawn.ts";

export interface Said {
  /** Both streams. */
  readonly output: string;
  readonly code: number | null;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node's, before the program. */
  readonly node?: readonly string[];
  /** Run by this user and group. */
  readonly uid?: number;
  /** Runs it with other rights, such as setpriv(1) with its options. */
  readonly launcher?: readonly string[];
}

/** Runs a command of the agent's, with its configuration and environment, to its end. */
export async function cli(
  agent: TestAgent,
  argv: readonly string[],
  options: CliOptions = {},
): Promise<Said> {
  await using running = await startCli(agent, argv, options);
  const { code } = await running.exited;
  return { output: running.output(), code };
}

/** The same as a process that goes on. */
export function startCli(
  agent: TestAgent,
  argv: readonly string[],
  { env = {}, node = [], uid, launcher = [] }: CliOptions = {},
): Promise<Running> {
  const line = [...launcher, process.execPath, ...node, AGENT, ...argv, "--config", agent.configFile];
  const [command = "", ...words] = line;
  return start(command, words, {
    onlyEnv: environmentOf(agent, env),
    ...(uid !== undefined && { uid, gid: uid }),
  });
}

/** A command on a terminal of that width, in a pty of util-linux's script(1). */
export interface OnTerminal extends Running {
  /** Ctrl-C, for the command. */
  interrupt(): Promise<void>;
}

export async function startOnTerminal(
  agent: TestAgent,
  argv: readonly string[],
  { columns = 80, rows = 50, env = {} } = {},
): Promise<OnTerminal> {
  const words = [process.execPath, AGENT, ...argv, "--config", agent.configFile];
  const line = `stty cols ${columns} rows ${rows}; exec ${words.map(quoted).join(" ")}`;
  const running = await start("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    onlyEnv: environmentOf(agent, { TERM: "xterm-256color", SHELL: "/bin/sh", ...env }),
  });
  const interrupt = async () => {
    const children = await readFile(`/proc/${running.pid}/task/${running.pid}/children`, "utf8");
    // None, read as a number, would be 0: the process group of the tests themselves.
    for (const pid of children.match(/\d+/g) ?? []) process.kill(Number(pid), "SIGINT");
  };
  return { ...running, interrupt };
}

/** A command on a terminal, to its end. */
export async function onTerminal(...given: Parameters<typeof startOnTerminal>): Promise<Said> {
  await using running = await startOnTerminal(...given);
  const { code } = await running.exited;
  return { output: running.output().replaceAll("\r\n", "\n"), code };
}

function environmentOf(agent: TestAgent, more: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", ...agent.environment, ...more };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
