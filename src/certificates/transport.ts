/**
 * How acme-client speaks HTTP. Its own transport repeats a request for minutes, forgets the kind of an error, and turns
 * a refused connection into a TypeError; so its interceptors are replaced by these.
 */
import { Agent } from "node:https";
import type { default as Library } from "acme-client";
import * as z from "zod";
import { codeOf, messageOf } from "../base/errors.ts";
import { AcmeError } from "./errors.ts";

export interface TransportOptions {
  /** PEM of the authorities that the server's own certificate may come from; undefined: those that Node trusts. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const BAD_NONCE = "badNonce";

/** RFC 8555, 6.7: problem documents. */
const problem = z.object({ type: z.string().default(""), detail: z.string().default("") });

/** The library has one transport for all its clients. */
export function useTransport({ axios }: typeof Library, { ca, signal }: TransportOptions): void {
  const { defaults, interceptors } = axios;
  interceptors.request.clear();
  interceptors.response.clear();
  defaults.timeout = TIMEOUT_MS;
  defaults.maxContentLength = MAX_BYTES;
  defaults.httpsAgent = new Agent({ keepAlive: false, ...(ca !== undefined && { ca }) });
  defaults.headers.common["User-Agent"] = "mastodon-agent";
  interceptors.request.use((request) => ({ ...request, signal }));
  interceptors.response.use(
    (response) => {
      const error = errorIn(response);
      if (error !== undefined) throw error;
      return response;
    },
    (error: unknown) => {
      signal.throwIfAborted();
      const detail = messageOf(error) || codeOf(error) || "no answer";
      throw new AcmeError({ detail }, { cause: error });
    },
  );
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly headers: { readonly [name: string]: unknown };
}

/** The library deals with a bad nonce. */
function errorIn({ status, data, headers }: Answer): AcmeError | undefined {
  if (status < 400) return undefined;
  const said = problem.safeParse(data).data;
  const type = said?.type.replace(/^.*:/, "") || undefined;
  if (type === BAD_NONCE) return undefined;
  return new AcmeError({
    detail: said?.detail || `the ACME server answered ${status}`,
    type,
    status,
    retryAfterMs: retryAfterMs(headers["retry-after"]),
  });
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: unknown): number | undefined {
  if (typeof header !== "string") return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
