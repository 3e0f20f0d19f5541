import { EventEmitter } from "node:events";
import http from "node:http";
import https from "node:https";
import Consul from "consul";
import * as z from "zod";
import { urlBelow } from "../base/address.ts";
import { messageOf } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import * as answers from "./answers.ts";
import type { Answer, Blocking, CheckDefinition, ConsulClient } from "./client.ts";
import { ConsulError, kindOfStatus } from "./errors.ts";

/** How to reach the HTTP API of the local Consul client. Certificates and the key are PEM texts. */
export interface ConsulConnection {
  /** `http://host:port` or `https://host:port`, with a path if a proxy needs one. */
  readonly address: string;
  readonly token?: Secret;
  readonly caCert?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly sslVerify: boolean;
  readonly namespace?: string;
}

/** For a call that is not blocking. */
const CALL_TIMEOUT_MS = 10_000;
/** Consul adds up to a sixteenth to the wait; the rest is for the network. */
const MARGIN_MS = 5_000;

/** The one place that touches the untyped package: what it returns passes a schema before anything else sees it. */
export function createConsulClient(connection: ConsulConnection): ConsulClient {
  // A blocking query pins its connection; short calls take one after the other and keep none.
  const questions = new Consul(packageOptions(connection, { keepAlive: true, maxFreeSockets: 1 }));
  const calls = new Consul(packageOptions(connection, { keepAlive: false, maxSockets: 1 }));
  const kvKey: ConsulClient["kvKey"] = (key, blocking) =>
    ask(answers.kvPair, blocking, (options) => questions.kv.get({ ...options, ...BYTES, key }));
  return {
    kvPrefix: async (prefix, blocking) => {
      const answer = await ask(answers.kvPairs, blocking, (options) =>
        questions.kv.get({ ...options, ...BYTES, key: prefix, recurse: true }),
      );
      // Before 1.11 Consul silently leaves out what the token may not see; for a single key it says so.
      if (answer.value.length === 0) await kvKey(prefix, { ...blocking, index: 0n });
      return answer;
    },
    kvKey,
    instances: (service, blocking) =>
      ask(answers.instances, blocking, (options) =>
        questions.health.service({ ...options, ...FROM_A_SERVER, service }),
      ),
    compareAndSet: (key, value, cas, signal) =>
      call(z.boolean(), signal, (options) => calls.kv.set({ ...options, key, value, cas })),
    put: async (key, value, signal) => {
      await call(z.boolean(), signal, (options) => calls.kv.set({ ...options, key, value }));
    },
    createSession: ({ name, ttlMs, lockDelayMs }, signal) => {
      const session = { name, ttl: `${ttlMs}ms`, lockdelay: `${lockDelayMs}ms`, behavior: "delete" } as const;
      return call(answers.sessionId, signal, (options) => calls.session.create({ ...options, ...session }));
    },
    renewSession: async (id, signal) => {
      try {
        await call(z.unknown(), signal, (options) => calls.session.renew({ ...options, id }));
        return true;
      } catch (error) {
        if (error instanceof ConsulError && error.status === 404) return false;
        throw error;
      }
    },
    destroySession: async (id, signal) => {
      await call(z.unknown(), signal, (options) => calls.session.destroy({ ...options, id }));
    },
    acquire: (key, value, acquire, signal) =>
      call(z.boolean(), signal, (options) => calls.kv.set({ ...options, key, value, acquire })),
    release: (key, value, release, signal) =>
      call(z.boolean(), signal, (options) => calls.kv.set({ ...options, key, value, release })),
    leader: (signal) => call(answers.leader, signal, (options) => calls.status.leader(options)),
    members: (signal) => call(answers.members, signal, (options) => calls.agent.members(options)),
    localServices: (signal) =>
      call(answers.localServices, signal, (options) => calls.agent.service.list(options)),
    localChecks: (signal) => call(answers.localChecks, signal, (options) => calls.agent.check.list(options)),
    register: async (service, checks, signal) => {
      const registration = { ...service, tags: [...service.tags], checks: checks.map(checkParameters) };
      await call(z.unknown(), signal, (options) =>
        calls.agent.service.register({ ...options, ...registration }),
      );
    },
    deregister: async (id, signal) => {
      await call(z.unknown(), signal, (options) => calls.agent.service.deregister({ ...options, id }));
    },
    tell: async (id, status, note, signal) => {
      const verb = ({ passing: "pass", warning: "warn", critical: "fail" } as const)[status];
      await call(z.unknown(), signal, (options) => calls.agent.check[verb]({ ...options, id, note }));
    },
  };
}

function checkParameters({ id, name, notes, ...how }: CheckDefinition) {
  const common = { checkid: id, name, notes };
  if ("ttlMs" in how) return { ...common, ttl: `${how.ttlMs}ms`, timeout: "" };
  const { intervalMs, timeoutMs, ...target } = how;
  return { ...common, ...target, interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms` };
}

/** Its types know neither the URL nor the headers. */
function packageOptions({ address, token, namespace, ...tls }: ConsulConnection, sockets: http.AgentOptions) {
  const { Agent } = address.startsWith("https:") ? https : http;
  return {
    baseUrl: urlBelow(address, "/v1"),
    agent: new Agent(sockets),
    headers: namespace === undefined ? {} : { "X-Consul-Namespace": namespace },
    rejectUnauthorized: tls.sslVerify,
    ...(tls.caCert !== undefined && { ca: tls.caCert }),
    ...(tls.clientCert !== undefined && { cert: tls.clientCert }),
    ...(tls.clientKey !== undefined && { key: tls.clientKey }),
    ...(token !== undefined && { defaults: { token: token.reveal() } }),
  };
}

/**
 * Since 1.10 a client answers from a copy that servers stream to it, and then cannot say whether there is a leader
 * (`X-Consul-KnownLeader` is always false). To sort by distance it has to ask a server.
 */
const FROM_A_SERVER = { near: "_agent" };

/** Values as they are, not as text. */
const BYTES = { buffer: true };

/** What the package accepts besides a call's own parameters; its types have only some of them. */
type CallOptions = Record<string, unknown>;

async function ask<Value>(
  schema: z.ZodType<Value>,
  { index, waitMs, signal }: Blocking,
  request: (options: CallOptions) => Promise<unknown>,
): Promise<Answer<Value>> {
  const blocking = index === 0n ? {} : { index: String(index), wait: `${waitMs}ms` };
  const timeout = index === 0n ? CALL_TIMEOUT_MS : waitMs + waitMs / 16 + MARGIN_MS;
  const { headers, body } = await send({ ...blocking, timeout }, signal, request);
  return { value: parse(schema, body), ...answers.readHeaders(headers) };
}

async function call<Value>(
  schema: z.ZodType<Value>,
  signal: AbortSignal | undefined,
  request: (options: CallOptions) => Promise<unknown>,
): Promise<Value> {
  const { body } = await send({ timeout: CALL_TIMEOUT_MS }, signal, request);
  return parse(schema, body);
}

/** `includeResponse` is the package's only way to the headers, `cancel` its only way to abort. */
async function send(
  options: CallOptions,
  signal: AbortSignal | undefined,
  request: (options: CallOptions) => Promise<unknown>,
): Promise<z.infer<typeof answers.response>> {
  const ctx = Object.assign(new EventEmitter(), { includeResponse: true });
  const cancel = () => ctx.emit("cancel");
  signal?.throwIfAborted();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return parse(answers.response, await request({ ...options, ctx }));
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ConsulError ? error : translate(error);
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

function parse<Value>(schema: z.ZodType<Value>, body: unknown): Value {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ConsulError("bug", `Consul's answer is not understood: ${z.prettifyError(result.error)}`);
}

/** The error's `cause` is dropped: the package attaches the whole request to it, including the token. */
function translate(error: unknown): ConsulError {
  const { data } = answers.failure.safeParse(error);
  if (data?.statusCode === undefined) return new ConsulError("unreachable", messageOf(error));
  const { statusCode, body } = data;
  const reason = typeof body === "string" && body.length > 0 ? body.trim().slice(0, 200) : messageOf(error);
  return new ConsulError(kindOfStatus(statusCode), `${reason} (HTTP ${statusCode})`, { status: statusCode });
}
