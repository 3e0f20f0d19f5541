import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Certificates } from "./certificates.ts";
import { freePort } from "./ports.ts";
import { type Running, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

/** An S3 server with one bucket, which verifies signatures. */
export interface S3Server extends AsyncDisposable {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
  /** Starts it again where it was, with what it holds. */
  start(): Promise<void>;
}

export interface S3Options {
  readonly host?: string;
  readonly bucket?: string;
  /** HTTPS with the server's certificate of these. */
  readonly certificates?: Certificates;
}

/** The one account that the server knows. */
const ACCOUNT = { accessKey: "S3RVER", secretKey: "S3RVER" };
/** The package's own starter is missing from it; this is what it would do. */
const STARTER = "require(process.argv[1]).parseAsync()";

/** Starts it as a process of its own, on a free port. */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("s3"));
  const { host = "127.0.0.1", bucket = "mastodon", certificates } = options;
  const port = await freePort(host);
  await mkdir(folder.file("data"));
  const tls =
    certificates === undefined
      ? []
      : ["--key", certificates.serverKey, "--cert", certificates.serverCertificate];
  const library = join(dirname(fileURLToPath(import.meta.resolve("@20minutes/s3rver"))), "cli.js");
  const where = ["-d", folder.file("data"), "-a", host, "-p", String(port), "--configure-bucket", bucket];
  const boot = async (): Promise<Running> => {
    const running = await start(process.execPath, ["-e", STARTER, library, ...where, ...tls]);
    const isListening = () => running.output().includes(`listening on ${host}:${port}`);
    await whileRunning("the S3 server", running, until("the S3 server to listen", isListening));
    return running;
  };

  let running = await boot();
  starting.defer(async () => void (await running.stop()));
  const release = starting.move();
  return {
    scheme: certificates === undefined ? "http" : "https",
    host,
    port,
    bucket,
    ...ACCOUNT,
    stop: async () => void (await running.stop()),
    start: async () => {
      running = await boot();
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
