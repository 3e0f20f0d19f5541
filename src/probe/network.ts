/** Connections of probes: closed by the probe's signal, with and without TLS. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { isIP, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { codeOf, isAgentError, Misconfigured } from "../base/errors.ts";
import { type ProbeFailure, refused, unreachable } from "./result.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

const TLS_FAILURE = /^(ERR_TLS_|ERR_SSL_|EPROTO$)/;
/** OpenSSL's codes for an untrusted certificate, as Node spells them. */
const UNTRUSTED =
  /^(CERT_|UNABLE_TO_|ERR_TLS_CERT_ALTNAME_INVALID|(DEPTH_ZERO_)?SELF_SIGNED_CERT|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

const SYSTEM_ERROR = /^E(?!RR_)[A-Z]/;

/** A socket that is not connected yet, and is destroyed when the probe is over. */
export function newSocket(signal: AbortSignal): Socket {
  signal.throwIfAborted();
  const socket = new Socket();
  // Whatever awaits the socket gets its errors that way; later ones do not matter.
  socket.on("error", () => {});
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return socket;
}

/** @throws the system's error when nothing can be reached there */
export async function dial({ host, port }: Address, signal: AbortSignal): Promise<Socket> {
  const socket = newSocket(signal);
  socket.connect(port, host);
  await once(socket, "connect", { signal });
  return socket;
}

/** @throws the TLS error, for `explainNetwork` */
export async function dialTls(
  address: Address,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return secured(await dial(address, signal), address, options, signal);
}

/** TLS on an existing connection. @throws the TLS error, for `explainNetwork` */
export async function secured(
  socket: Socket,
  { host }: Address,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const tls = connectTls({ ...options, ...serverName(host), socket });
  tls.on("error", () => {});
  await once(tls, "secureConnect", { signal });
  return tls;
}

/**
 * The authority that signs a server's certificate: from the file, else those that Node trusts.
 *
 * @throws Misconfigured when the file cannot be read
 */
export async function authority(caFile: string | undefined): Promise<{ readonly ca?: string }> {
  if (caFile === undefined) return {};
  try {
    return { ca: await readFile(caFile, "utf8") };
  } catch (error) {
    const what = `cannot be read (${codeOf(error)})`;
    const cure = "Name a PEM file that the agent may read";
    throw new Misconfigured({ what, where: caFile, cure }, { cause: error });
  }
}

/**
 * What a failed connection means.
 *
 * @param silence what to say about a server that does not answer like its kind
 * @param code the system's, if a library hides it
 */
export function explainNetwork(error: unknown, silence: string, code = codeOf(error) ?? ""): ProbeFailure {
  if (isAgentError(error)) return refused("wrong_tls", `cannot be verified: ${error.message}`);
  if (UNTRUSTED.test(code))
    return refused("wrong_tls", `shows a certificate that ${distrust(code)} (${code})`);
  if (TLS_FAILURE.test(code)) return refused("wrong_tls", `fails the TLS handshake (${code})`);
  switch (code) {
    case "ECONNREFUSED":
      return unreachable("refuses connections: nothing listens there");
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return unreachable(`has a name that cannot be resolved (${code})`);
    case "ENOENT":
      return unreachable("has no socket there: it does not run, or has its socket in another directory");
    case "EACCES":
      return unreachable("has a socket that the agent's user may not open");
    case "ECONNRESET":
    case "EPIPE":
      return unreachable(silence);
    default:
      return unreachable(SYSTEM_ERROR.test(code) ? `cannot be reached (${code})` : silence);
  }
}

function distrust(code: string): string {
  if (code === "CERT_HAS_EXPIRED") return "has expired";
  return code === "ERR_TLS_CERT_ALTNAME_INVALID" ? "is for another name" : "is not trusted";
}

/** A name is sent and checked; an address is only checked (RFC 6066 section 3 forbids sending it). */
function serverName(host: string): ConnectionOptions {
  return isIP(host) === 0 ? { host, servername: host } : { host };
}
