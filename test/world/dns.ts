import { createSocket } from "node:dgram";
import { once } from "node:events";

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** Names asked for, in order. */
  readonly asked: readonly string[];
}

const HEADER_BYTES = 12;
/** A response, recursion available; with or without the code "no such name". */
const FOUND = 0x8180;
const NO_SUCH_NAME = 0x8183;
const TYPE_A = 1;

/** A DNS server that knows what it is told, for a second each. @param addressOf IPv4; undefined: there is no such name */
export async function startDns(addressOf: (name: string) => string | undefined): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, { port, address }) => {
    const { name, end } = nameIn(query);
    asked.push(name);
    const found = addressOf(name);
    const answers = found !== undefined && query.readUInt16BE(end) === TYPE_A ? [record(found)] : [];
    const header = Buffer.from(query.subarray(0, HEADER_BYTES));
    header.writeUInt16BE(found === undefined ? NO_SUCH_NAME : FOUND, 2);
    header.writeUInt16BE(answers.length, 6);
    header.fill(0, 8);
    socket.send(Buffer.concat([header, query.subarray(HEADER_BYTES, end + 4), ...answers]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    asked,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** The question's name, and where its type begins. */
function nameIn(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

/** An address of the question's name, good for one second. */
function record(address: string): Buffer {
  return Buffer.from([
    0xc0,
    HEADER_BYTES,
    0,
    TYPE_A,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    4,
    ...address.split(".").map(Number),
  ]);
}
