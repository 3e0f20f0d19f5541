import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { program } from "./programs.ts";
import { run } from "./spawn.ts";

/** Paths of PEM files in one folder. */
export interface Certificates {
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

const P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/**
 * A throwaway authority with one certificate for a server on that address, or of that name, and one for a client.
 *
 * @param days for which the two are valid; negative: they have expired
 */
export async function makeCertificates(
  folder: string,
  address: string,
  name = "localhost",
  days = 2,
): Promise<Certificates> {
  const caKey = join(folder, "ca.key");
  const ca = join(folder, "ca.pem");
  await openssl([
    "req",
    "-x509",
    ...P256,
    "-days",
    "2",
    "-subj",
    "/CN=test world",
    "-keyout",
    caKey,
    "-out",
    ca,
  ]);
  const sign = (file: string, names: string) => issue(folder, { name: file, names, ca, caKey, days });
  const server = await sign("server", `IP:${address},DNS:${name},DNS:server.dc1.consul`);
  const client = await sign("client", "DNS:client");
  return {
    ca,
    serverCertificate: server.certificate,
    serverKey: server.key,
    clientCertificate: client.certificate,
    clientKey: client.key,
  };
}

interface Request {
  readonly name: string;
  /** subjectAltName, as openssl spells it. */
  readonly names: string;
  readonly ca: string;
  readonly caKey: string;
  readonly days: number;
}

async function issue(folder: string, { name, names, ca, caKey, days }: Request) {
  const key = join(folder, `${name}.key`);
  const request = join(folder, `${name}.csr`);
  const certificate = join(folder, `${name}.pem`);
  const extensions = join(folder, `${name}.ext`);
  await writeFile(
    extensions,
    `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`,
  );
  await openssl(["req", "-new", ...P256, "-subj", `/CN=${name}`, "-keyout", key, "-out", request]);
  const authority = join(folder, `${name}.cnf`);
  const database = join(folder, `${name}.index`);
  await writeFile(authority, authorityIn(folder, database));
  await writeFile(database, "");
  const by = ["-config", authority, "-cert", ca, "-keyfile", caKey, "-batch", "-notext"];
  const valid = validFor(days);
  await openssl(["ca", ...by, ...valid, "-in", request, "-extfile", extensions, "-out", certificate]);
  return { key, certificate };
}

function authorityIn(folder: string, database: string): string {
  const here = `new_certs_dir = ${folder}\ndatabase = ${database}\ndefault_md = sha256\nrand_serial = yes\npolicy = any\n`;
  return `[ca]\ndefault_ca = here\n[here]\n${here}[any]\ncommonName = supplied\n`;
}

const DAY_MS = 86_400_000;

/** By dates, since OpenSSL 3.5 refuses `-days -1`: one that has expired was valid for a day. */
function validFor(days: number): readonly string[] {
  const end = Date.now() + days * DAY_MS;
  const date = (ms: number) => new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return ["-startdate", date(Math.min(Date.now(), end - DAY_MS)), "-enddate", date(end)];
}

async function openssl(argv: readonly string[]): Promise<void> {
  await run(program("openssl"), argv);
}
