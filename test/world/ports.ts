import { createServer, type Server } from "node:net";

const LOCALHOST = "127.0.0.1";

/**
 * A loopback address of one's own, so that ports found free on it stay free. Linux answers on all of
 * 127.0.0.0/8; where the system does not (FreeBSD, macOS), everyone shares 127.0.0.1.
 */
export async function loopbackAddress(): Promise<string> {
  const octet = () => 1 + Math.floor(Math.random() * 253);
  const address = `127.${octet()}.${octet()}.${octet()}`;
  try {
    await close(await listen(address));
    return address;
  } catch {
    return LOCALHOST;
  }
}

/** Different ports that nobody listens on. All are held open until the last is found, so none comes twice. */
export async function freePorts(count: number, address = LOCALHOST): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(address)));
  const ports = servers.map(portOf);
  await Promise.all(servers.map(close));
  return ports;
}

export async function freePort(address = LOCALHOST): Promise<number> {
  const [port] = await freePorts(1, address);
  if (port === undefined) throw new Error(`no free port on ${address}`);
  return port;
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a TCP server has a port");
  return bound.port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
