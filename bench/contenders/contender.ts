import type { ConsulServer } from "../../test/world/consul.ts";

/** A program that keeps one file true to Consul. Each has a KV prefix and service names of its own, so none wakes another. */
export interface Contender extends AsyncDisposable {
  readonly name: string;
  /** The file that it renders. */
  readonly file: string;
  /** A line of the file when this value was put. */
  line(value: string): string;
  /** The KV key behind that line. */
  readonly key: string;
  /** The service whose instance the file names. */
  readonly service: string;
  readonly pid: () => number;
  /** How often it has run the command that stands for a reload. */
  reloads(): Promise<number>;
}

export interface Ground {
  readonly consul: ConsulServer;
  /** What the program is told to be Consul's address: a proxy that counts may stand before it. */
  readonly address: string;
}
