import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./ports.ts";

/**
 * What befalls connections:
 * - `delay`: every chunk arrives that much later, in both directions;
 * - `cut`: the open ones are closed in an orderly way, and each new one at once;
 * - `reset`: the same by RST;
 * - `refuse`: nobody listens any more, the open ones go on;
 * - `half-open`: they stay open and new ones are accepted, but nothing passes, as when the peer's machine is gone.
 *   Such a connection stays dead for ever, whatever comes afterwards.
 */
export type Fault = "pass" | { readonly delayMs: number } | "cut" | "reset" | "refuse" | "half-open";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxy extends Target, AsyncDisposable {
  /** Replaces the fault that was there before. */
  set(fault: Fault): Promise<void>;
  /** New connections go there; open ones stay where they are. */
  moveTo(target: Target): void;
  /** Clients that are connected now, and the dead ones. */
  connections(): number;
}

/** A TCP proxy that passes everything on until it is given a fault. */
export async function startTcpProxy(target: Target, host = "127.0.0.1"): Promise<TcpProxy> {
  const port = await freePort(host);
  const open = new Set<Connection>();
  let fault: Fault = "pass";
  let goal = target;
  let server: Server | undefined;

  const accept = (near: Socket) => {
    const connection = new Connection(near, () => (typeof fault === "object" ? fault.delayMs : 0));
    open.add(connection);
    near.once("close", () => open.delete(connection));
    if (!strike(connection, fault)) connection.reach(goal);
  };
  const set = async (next: Fault) => {
    fault = next;
    for (const connection of open) strike(connection, fault);
    if (fault === "refuse") {
      server?.close();
      server = undefined;
    } else {
      server ??= await listen(accept, { host, port });
    }
  };
  await set("pass");
  return {
    host,
    port,
    set,
    moveTo: (next) => {
      goal = next;
    },
    connections: () => open.size,
    [Symbol.asyncDispose]: async () => {
      await set("refuse");
      for (const connection of open) connection.destroy();
    },
  };
}

/** Whether the fault is one that a connection does not survive. */
function strike(connection: Connection, fault: Fault): boolean {
  if (fault === "cut") connection.close();
  else if (fault === "reset") connection.reset();
  else if (fault === "half-open") connection.die();
  else return false;
  return true;
}

class Connection {
  readonly #near: Socket;
  readonly #delayMs: () => number;
  #far: Socket | undefined;
  #isDead = false;

  constructor(near: Socket, delayMs: () => number) {
    this.#near = near;
    this.#delayMs = delayMs;
    near.on("error", () => this.#unlessDead(() => this.#far?.resetAndDestroy()));
    near.once("close", () => this.#unlessDead(() => this.#far?.destroySoon()));
  }

  reach(target: Target): void {
    const far = connect({ ...target, allowHalfOpen: true });
    this.#far = far;
    far.on("error", () => this.#unlessDead(() => this.#near.resetAndDestroy()));
    far.once("close", () => this.#unlessDead(() => this.#near.destroySoon()));
    this.#carry(this.#near, far);
    this.#carry(far, this.#near);
  }

  close(): void {
    this.#near.destroySoon();
    this.#far?.destroySoon();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  /** Both ends are still read, so that what they send seems to arrive. */
  die(): void {
    this.#isDead = true;
    this.#near.resume();
  }

  destroy(): void {
    this.#near.destroy();
    this.#far?.destroy();
  }

  #carry(from: Socket, to: Socket): void {
    let before: Promise<unknown> = Promise.resolve();
    const inTurn = (act: () => void) => {
      const late = this.#delayMs();
      const due = late === 0 ? undefined : sleep(late, undefined, { ref: false });
      before = Promise.all([before, due]).then(() => this.#unlessDead(act));
    };
    from.on("data", (chunk) => inTurn(() => void (to.writable && to.write(chunk))));
    from.once("end", () => inTurn(() => to.end()));
  }

  #unlessDead(act: () => void): void {
    if (!this.#isDead) act();
  }
}

function listen(accept: (near: Socket) => void, where: Target): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, accept);
    server.once("error", reject);
    server.listen(where.port, where.host, () => resolve(server));
  });
}
