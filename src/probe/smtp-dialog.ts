/** An SMTP dialogue (RFC 5321): a command, and its answer. It is never logged: it may contain a password. */
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { type Address, secured } from "./network.ts";

export interface Reply {
  readonly code: number;
  /** The texts of its lines, without the code. */
  readonly lines: readonly string[];
}

/** The server is silent for too long, closes the connection or does not speak SMTP. */
export class ConversationOver extends Error {
  readonly how: "silent" | "closed" | "not SMTP";

  constructor(how: ConversationOver["how"]) {
    super(`the connection is closed: ${how}`);
    this.how = how;
  }
}

/** RFC 5321 section 4.5.3.1.5 allows 512 for an answer's line; some servers are more talkative. */
const LONGEST_ANSWER_CHARACTERS = 64_000;

export class SmtpDialog {
  readonly #signal: AbortSignal;
  #socket: Socket;
  #heard = "";

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /** @throws ConversationOver, or the connection's error */
  async ask(command: string): Promise<Reply> {
    this.#socket.write(`${command}\r\n`);
    return this.reply();
  }

  /** The next answer. @throws ConversationOver, or the connection's error */
  async reply(): Promise<Reply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      const [, code = "", more = "", text = ""] = /^(\d{3})(?:([ -])(.*))?$/.exec(line) ?? [];
      if (code === "") throw new ConversationOver("not SMTP");
      lines.push(text);
      if (more !== "-") return { code: Number(code), lines };
    }
  }

  /** Continues in TLS. What came before the handshake is dropped: it may be somebody else's (CVE-2011-0411). */
  async startTls(address: Address, options: ConnectionOptions): Promise<void> {
    this.#heard = "";
    this.#socket = await secured(this.#socket, address, options, this.#signal);
  }

  end(): void {
    this.#socket.end("QUIT\r\n");
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#heard.indexOf("\n");
      if (end >= 0) {
        const line = this.#heard.slice(0, end).replace(/\r$/, "");
        this.#heard = this.#heard.slice(end + 1);
        return line;
      }
      if (this.#heard.length > LONGEST_ANSWER_CHARACTERS) throw new ConversationOver("not SMTP");
      this.#heard += await hear(this.#socket);
    }
  }
}

/** What comes next; paused in between, so that nothing is lost while switching to TLS. */
function hear(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off("readable", take).off("end", close).off("close", close).off("error", fail);
      act();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const close = () => fail(socket.errored ?? new ConversationOver("closed"));
    const take = () => {
      const chunk: unknown = socket.read();
      if (chunk !== null) settle(() => resolve(String(chunk)));
    };
    socket.on("readable", take).on("end", close).on("close", close).on("error", fail);
    if (socket.destroyed || socket.readableEnded) close();
    else take();
  });
}
