import type { Environment } from "../sources/environment.ts";

/** A signal that asks something of a running command. */
export type Request = "drain" | "reload";

/** Everything a command knows about its process. */
export interface Io {
  readonly environment: Environment;
  readonly version: string;
  /** Where the agent's own templates are. */
  readonly templates: string;
  /** A person is looking: colours and progress are welcome. */
  readonly isTerminal: boolean;
  /** The same for standard error. */
  readonly isErrorTerminal: boolean;
  /** systemd's journal reads standard output. */
  readonly isJournal: boolean;
  /** Of the terminal, now: it may be resized. */
  size(): { readonly columns: number; readonly rows: number };
  /** One line to standard output. Control characters are spelled out, except those of our own colours on a terminal. */
  out(line: string): void;
  /** A text to standard output as it is, for what is redrawn on a terminal. */
  draw(text: string): void;
  /** The same to standard error. */
  err(line: string): void;
  /** From now on output that cannot be written is lost without ending the program. */
  outliveOutput(): void;
  /** Calls back for SIGTERM or SIGINT (`drain`) and SIGHUP (`reload`). */
  onRequest(listener: (request: Request) => void): void;
}

/** The flags that every command has. */
export interface CommonFlags {
  /** `--config`: undefined means the default place, which may be empty. */
  readonly config?: string;
  /** `--environment`: the jail's parameters, if they are not in the process environment. */
  readonly environment?: string;
  /** `--env-file`: its old name, which is also one of Node's options. */
  readonly envFile?: string;
}
