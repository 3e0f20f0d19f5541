/** What the agent asks Consul, whatever answers. */
import type { Instance } from "../settings/instance.ts";

export interface KvPair {
  readonly key: string;
  readonly value: Buffer;
  readonly modifyIndex: number;
  /** The session that holds the key as a lock. */
  readonly session?: string;
}

export interface Session {
  readonly name: string;
  /** Consul ends it if it is not renewed for this long, or for up to twice as long; at least 10 s. */
  readonly ttlMs: number;
  /** How long nobody may take what it held if it ends without releasing it. */
  readonly lockDelayMs: number;
}

export interface Member {
  readonly name: string;
  readonly isAlive: boolean;
  readonly isServer: boolean;
  /** Its version of Consul. */
  readonly build?: string;
  /** Why Consul's entry for it is not understood. */
  readonly fault?: string;
}

/** A service as the local client holds it. */
export interface LocalService {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

export type CheckStatus = "passing" | "warning" | "critical";

/** A check as the local client holds it. */
export interface LocalCheck {
  readonly id: string;
  readonly service: string;
  readonly name: string;
  readonly notes: string;
  readonly status: CheckStatus;
  readonly output: string;
}

/** A check to register: run by the client itself (`http`, `tcp`), or refreshed by us in time (`ttlMs`). */
export type CheckDefinition = Pick<LocalCheck, "id" | "name" | "notes"> &
  (
    | { readonly http: string; readonly intervalMs: number; readonly timeoutMs: number }
    | { readonly tcp: string; readonly intervalMs: number; readonly timeoutMs: number }
    | { readonly ttlMs: number }
  );

/** A blocking query: index 0 answers at once, any other once something has changed since, or after `waitMs`. */
export interface Blocking {
  readonly index: bigint;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface Answer<Value> {
  readonly value: Value;
  /** `X-Consul-Index`; 0 when the answer had none. */
  readonly index: bigint;
  readonly knownLeader: boolean;
  /** How long the answering server has not heard from its leader. */
  readonly lastContactMs: number;
  /** Something was left out because the token may not see it: hidden is not gone. */
  readonly filtered: boolean;
}

/** The calls that the agent makes. Each has a time limit. @throws ConsulError */
export interface ConsulClient {
  kvPrefix(prefix: string, blocking: Blocking): Promise<Answer<readonly KvPair[]>>;
  kvKey(key: string, blocking: Blocking): Promise<Answer<KvPair | undefined>>;
  instances(service: string, blocking: Blocking): Promise<Answer<readonly Instance[]>>;
  /** Writes only if the key is still at this index; 0: only if it does not exist. */
  compareAndSet(key: string, value: string, modifyIndex: number, signal?: AbortSignal): Promise<boolean>;
  put(key: string, value: string, signal?: AbortSignal): Promise<void>;
  /** A session of the client's own node that ends with the node's health too, and deletes the keys it holds. */
  createSession(session: Session, signal?: AbortSignal): Promise<string>;
  /** False when the session has ended. */
  renewSession(id: string, signal?: AbortSignal): Promise<boolean>;
  destroySession(id: string, signal?: AbortSignal): Promise<void>;
  /** Writes the key and takes it as a lock; false while another session holds it or its lock delay lasts. */
  acquire(key: string, value: string, session: string, signal?: AbortSignal): Promise<boolean>;
  /** Releases the lock and keeps the key; false if this session did not hold it. */
  release(key: string, value: string, session: string, signal?: AbortSignal): Promise<boolean>;
  /** The Raft leader's address; undefined while there is none. */
  leader(signal?: AbortSignal): Promise<string | undefined>;
  members(signal?: AbortSignal): Promise<readonly Member[]>;
  /** What is registered with the local client, as far as the token may see it. */
  localServices(signal?: AbortSignal): Promise<readonly LocalService[]>;
  localChecks(signal?: AbortSignal): Promise<readonly LocalCheck[]>;
  /** Registers with the local client, or changes what has this ID; an existing check keeps its status. */
  register(service: LocalService, checks: readonly CheckDefinition[], signal?: AbortSignal): Promise<void>;
  /** Removes a service from the local client, with its checks. */
  deregister(id: string, signal?: AbortSignal): Promise<void>;
  /** Reports the state of a TTL check. If it is not new the servers do not hear of it. */
  tell(check: string, status: CheckStatus, output: string, signal?: AbortSignal): Promise<void>;
}
