import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { makeCertificates } from "./certificates.ts";
import { freePorts, loopbackAddress } from "./ports.ts";
import { program } from "./programs.ts";
import { type Running, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface PebbleServer extends AsyncDisposable {
  /** URL of the ACME directory. */
  readonly directory: string;
  /** PEM file of the authority behind the server's own certificate. */
  readonly ca: string;
  /** Every name leads here; the HTTP-01 challenge is asked for at this address and port. */
  readonly challenge: { readonly host: string; readonly port: number };
  /** PEM of the root of what it issues; another one after each start. */
  root(): Promise<string>;
  output(): string;
  /** How often the output has this. */
  count(text: string): number;
  stop(): Promise<void>;
  /** Starts it again in the same place. It has forgotten everything, as it always does. */
  start(): Promise<void>;
}

export interface PebbleOptions {
  /** Per cent of good nonces that are rejected. */
  readonly rejectNonces?: number;
  /** Up to so many seconds before it validates; none where it is not given. */
  readonly sleepSeconds?: number;
  /** Life of what it issues; five years where it is not given. */
  readonly validSeconds?: number;
}

/** A real ACME server with an authority of its own, on a loopback address; all names lead to that address. */
export async function startPebble(options: PebbleOptions = {}): Promise<PebbleServer> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("pebble"));
  const host = await loopbackAddress();
  const [acme = 0, management = 0, http = 0, tls = 0, dns = 0, dnsManagement = 0] = await freePorts(6, host);
  const { ca, serverCertificate, serverKey } = await makeCertificates(folder.path, host);
  const configuration = {
    listenAddress: `${host}:${acme}`,
    managementListenAddress: `${host}:${management}`,
    certificate: serverCertificate,
    privateKey: serverKey,
    httpPort: http,
    tlsPort: tls,
    ...(options.validSeconds !== undefined && { certificateValidityPeriod: options.validSeconds }),
  };
  await writeFile(folder.file("pebble.json"), JSON.stringify({ pebble: configuration }));
  starting.use(await startDns(`${host}:${dns}`, `${host}:${dnsManagement}`, host));

  const env = {
    PEBBLE_WFE_NONCEREJECT: String(options.rejectNonces ?? 0),
    PEBBLE_AUTHZREUSE: "0",
    ...(options.sleepSeconds === undefined
      ? { PEBBLE_VA_NOSLEEP: "1" }
      : { PEBBLE_VA_SLEEPTIME: String(options.sleepSeconds) }),
  };
  const directory = `https://${host}:${acme}/dir`;
  const boot = async () => {
    const argv = ["-config", folder.file("pebble.json"), "-dnsserver", `${host}:${dns}`, "-strict"];
    const running = await start(program("pebble"), argv, { env });
    await whileRunning(
      "pebble",
      running,
      until("pebble to answer", () => ask(directory)),
    );
    return running;
  };
  let running: Running = await boot();
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();
  return {
    directory,
    ca,
    challenge: { host, port: http },
    root: () => ask(`https://${host}:${management}/roots/0`),
    output: () => running.output(),
    count: (text) => running.output().split(text).length - 1,
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Answers every question for an address with this one. */
async function startDns(listen: string, management: string, address: string): Promise<Running> {
  const none = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
  const argv = [
    "-dns01",
    listen,
    "-management",
    management,
    "-defaultIPv4",
    address,
    "-defaultIPv6",
    "",
    ...none,
  ];
  return start(program("pebble-challtestsrv"), argv);
}

/** The authority of its own certificate is not what these questions are about. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { rejectUnauthorized: false }, async (incoming) => {
      resolve((await incoming.setEncoding("utf8").toArray()).join(""));
    });
    outgoing.once("error", reject).end();
  });
}
