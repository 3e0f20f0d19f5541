/**
 * Keeps each domain supplied with a certificate: an operator's own if there is one, which is never touched, or one from
 * the ACME server. Its caller runs it from time to time; nothing happens in between.
 */
import path from "node:path";
import { type Complaint, messageOf, sentence } from "../base/errors.ts";
import type { Log } from "../report/log.ts";
import type { Complaining } from "../report/problems.ts";
import { type FailedAttempt, forgetAttempt, readAttempt, writeAttempt } from "./attempt-file.ts";
import { type Found, findCertificate } from "./certificate.ts";
import type { ChallengePlaces } from "./challenge.ts";
import { AcmeError } from "./errors.ts";
import { issue } from "./issue.ts";
import { problemsOf } from "./problems.ts";
import { PACE, type Pace, renewalDueMs, retryDelayMs } from "./schedule.ts";
import { issuedCertificate } from "./shelf.ts";

export interface KeeperOptions extends ChallengePlaces {
  /** The operator's own certificates: `<folder>/<domain>/fullchain.pem`. */
  readonly own: string;
  readonly storage: string;
  /** URL of the ACME server's directory; empty: nothing is ordered. */
  readonly directory: string;
  /** PEM of the authorities of a private ACME server, read when it is needed. */
  readonly ca: () => Promise<string | undefined>;
  /** Why the storage would not outlive the jail. */
  readonly storageComplaint: () => Promise<Complaint | undefined>;
  /** The folder of the certificate that nginx runs with. */
  readonly inUse: (domain: string) => string | undefined;
  /** Held while something is ordered, so that the nodes of a site do it one after the other. */
  readonly lock: (site: string, signal: AbortSignal) => Promise<DomainLock>;
  /** This node's name. */
  readonly node: string;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly pace?: Pace;
}

export interface DomainLock extends AsyncDisposable {
  /** Aborted when another node may hold it. */
  readonly lost: AbortSignal;
}

/** The state of one domain. */
export interface CertificateState {
  readonly domain: string;
  readonly found: Found;
  /** Whether the agent manages it; false for an operator's own. */
  readonly isOurs: boolean;
  /** When it is ordered or renewed; undefined if nothing is. */
  readonly nextAttemptMs: number | undefined;
  readonly problems: readonly Complaining[];
}

export interface Wanted {
  /** DOMAIN: whose lock is taken. */
  readonly site: string;
  readonly domains: readonly string[];
  readonly email: string;
}

/** One of the wanted domains. */
interface Subject {
  readonly site: string;
  readonly domain: string;
  readonly email: string;
}

export class CertificateKeeper {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Orders what is due, one domain after the other, and returns their states. */
  async look({ site, domains, email }: Wanted, signal: AbortSignal): Promise<readonly CertificateState[]> {
    const states: CertificateState[] = [];
    for (const domain of domains) {
      const subject = { site, domain, email };
      const state = await this.#stateOf(subject);
      states.push(this.#isDue(state) && !signal.aborted ? await this.#order(subject, signal) : state);
    }
    return states;
  }

  /** How they stand, without ordering anything. */
  survey({ site, domains, email }: Wanted): Promise<readonly CertificateState[]> {
    return Promise.all(domains.map((domain) => this.#stateOf({ site, domain, email })));
  }

  /** @param hindrance why nothing could be ordered this time */
  async #stateOf(subject: Subject, hindrance?: string): Promise<CertificateState> {
    const { own, storage, directory, node, nowMs, inUse } = this.#options;
    const { domain } = subject;
    const foreign = await findCertificate(path.join(own, domain), domain);
    const isOurs = foreign.kind === "none";
    const issued = isOurs ? await issuedCertificate(storage, domain) : undefined;
    const found: Found = issued === undefined ? foreign : { kind: "good", certificate: issued };
    const isOrdered = isOurs && directory !== "";
    const failed = isOrdered ? await this.#failedBefore(subject) : undefined;
    const dueMs = issued === undefined ? nowMs() : renewalDueMs(issued, node);
    const failure = hindrance ?? failed?.message;
    return {
      domain,
      found,
      isOurs,
      nextAttemptMs: isOrdered ? Math.max(dueMs, failed?.nextMs ?? 0) : undefined,
      problems: problemsOf({ domain, found, isOurs, failure, inUse: inUse(domain), nowMs: nowMs() }),
    };
  }

  #isDue({ nextAttemptMs }: CertificateState): boolean {
    return nextAttemptMs !== undefined && nextAttemptMs <= this.#options.nowMs();
  }

  /** With another server or another address nothing has failed yet. */
  async #failedBefore({ domain, email }: Subject): Promise<FailedAttempt | undefined> {
    const { storage, directory } = this.#options;
    const failed = await readAttempt(storage, domain);
    return failed?.directory === directory && failed.email === email ? failed : undefined;
  }

  async #order(subject: Subject, signal: AbortSignal): Promise<CertificateState> {
    const complaint = await this.#options.storageComplaint();
    if (complaint !== undefined) return this.#stateOf(subject, sentence(complaint));
    let lock: DomainLock;
    try {
      lock = await this.#options.lock(subject.site, signal);
    } catch (error) {
      return this.#stateOf(subject, `its lock cannot be taken in Consul (${messageOf(error)})`);
    }
    await using _ = lock;
    try {
      await this.#orderUnlessDone(subject, AbortSignal.any([signal, lock.lost]));
      await forgetAttempt(this.#options.storage, subject.domain);
    } catch (error) {
      if (!signal.aborted && !lock.lost.aborted) return this.#failed(subject, error);
    }
    return this.#stateOf(subject);
  }

  /** Another node on the same storage may have been faster. */
  async #orderUnlessDone(subject: Subject, signal: AbortSignal): Promise<void> {
    const { log, storage, directory, nowMs, ca } = this.#options;
    const { domain, email } = subject;
    if (!this.#isDue(await this.#stateOf(subject))) return;
    log.info({ domain, directory }, "ordering a certificate");
    await issue(domain, { ...this.#options, ca: await ca(), email, nowMs: nowMs() }, signal);
    const certificate = await issuedCertificate(storage, domain);
    log.info(
      { domain, issuer: certificate?.issuer, fingerprint: certificate?.fingerprint },
      "certificate issued",
    );
  }

  async #failed(subject: Subject, error: unknown): Promise<CertificateState> {
    const { storage, directory, nowMs, pace = PACE } = this.#options;
    const { domain, email } = subject;
    const message = messageOf(error);
    const failures = ((await this.#failedBefore(subject))?.failures ?? 0) + 1;
    const askedMs = (error instanceof AcmeError && error.trouble.retryAfterMs) || 0;
    const nextMs = nowMs() + retryDelayMs(failures, askedMs, Math.random(), pace);
    try {
      await writeAttempt(storage, domain, { directory, email, failures, nextMs, message });
    } catch (notWritten) {
      return this.#stateOf(subject, `${message}; ${messageOf(notWritten)}`);
    }
    return this.#stateOf(subject);
  }
}
