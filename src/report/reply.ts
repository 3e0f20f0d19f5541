import type { ServerResponse } from "node:http";

/** An answer that is complete. */
export interface Reply {
  readonly code: number;
  /** Content type. */
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on until the connection ends; it writes its own head. */
export interface Stream {
  readonly stream: (response: ServerResponse) => void;
}
