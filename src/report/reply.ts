import type { ServerResponse } from "node:http";

/** A complete answer. */
export interface Reply {
  readonly code: number;
  /** Content type. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on until the connection ends; it writes its own headers. */
export interface Stream {
  readonly stream: (response: ServerResponse) => void;
}
