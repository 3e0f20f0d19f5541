/** The one file that meets acme-client: an account at an ACME server (RFC 8555), and orders taken to their end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { default as Library } from "acme-client";
import * as z from "zod";
import type { Secret } from "../base/secret.ts";
import { AcmeError, OrderEnded } from "./errors.ts";
import { useTransport } from "./transport.ts";

export interface AcmeOptions {
  readonly directory: string;
  /** PEM of the authorities of a private server. */
  readonly ca: string | undefined;
  /** PEM. One key has one account, however often it is requested. */
  readonly accountKey: Secret;
  readonly email: string;
  readonly signal: AbortSignal;
}

export interface Acme {
  /** Begins an order. @returns its URL @throws AcmeError */
  order(domain: string): Promise<string>;
  /**
   * Takes an order to its end, from wherever it is.
   *
   * @returns the chain, PEM
   * @throws OrderEnded when there is no way on with this order
   * @throws AcmeError, and what `answer` throws
   */
  fulfil(order: OrderToFulfil, answer: AnswerChallenge): Promise<string>;
}

export interface OrderToFulfil {
  readonly url: string;
  readonly domain: string;
  /** PEM of the certificate's private key. */
  readonly key: Secret;
}

export type AnswerChallenge = (token: string, content: string) => Promise<AsyncDisposable>;

/** An order is polled less and less often, for about a minute and a half. */
const FIRST_POLL_MS = 200;
const LAST_POLL_MS = 30_000;

/** RFC 8555, 6.7. */
const problem = z.object({ detail: z.string() });

/** Creates the account or finds it again. Loads the library, which takes 30 MB, so only when something is to be ordered. */
export async function openAcme({ directory, ca, accountKey, email, signal }: AcmeOptions): Promise<Acme> {
  const { default: library } = await import("acme-client");
  useTransport(library, { ca, signal });
  const client = new library.Client({ directoryUrl: directory, accountKey: accountKey.reveal() });
  await client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${email}`] });
  return {
    order: async (domain) => {
      const { url } = await client.createOrder({ identifiers: [{ type: "dns", value: domain }] });
      return url;
    },
    fulfil: (order, answer) => fulfil({ library, client, signal }, order, answer),
  };
}

interface Session {
  readonly library: typeof Library;
  readonly client: Client;
  readonly signal: AbortSignal;
}

type Client = InstanceType<(typeof Library)["Client"]>;
type Order = Awaited<ReturnType<Client["createOrder"]>>;
type Authorization = Awaited<ReturnType<Client["getAuthorizations"]>>[number];

async function fulfil(
  { library, client, signal }: Session,
  { url, domain, key }: OrderToFulfil,
  answer: AnswerChallenge,
): Promise<string> {
  let order = await orderAt(client, url);
  if (order.status === "pending") {
    await using answers = new AsyncDisposableStack();
    for (const authorization of await client.getAuthorizations(order))
      await authorize(client, authorization, async (...given) => answers.use(await answer(...given)));
    order = await later(client, url, signal);
  }
  if (order.status === "ready") {
    const [, request] = await library.crypto.createCsr({ altNames: [domain] }, key.reveal());
    await client.finalizeOrder(order, request);
    order = await later(client, url, signal);
  }
  if (order.status === "processing") order = await later(client, url, signal);
  if (order.status !== "valid") throw new OrderEnded({ detail: await faultOf(client, order) });
  return client.getCertificate(order);
}

async function orderAt(client: Client, url: string): Promise<Order> {
  try {
    return await client.getOrder({
      url,
      status: "pending",
      identifiers: [],
      authorizations: [],
      finalize: "",
    });
  } catch (error) {
    if (error instanceof AcmeError && isGone(error)) throw new OrderEnded(error.trouble, { cause: error });
    throw error;
  }
}

/** The server does not know the order, or not as ours: the server or the account was recreated. */
function isGone({ trouble: { status } }: AcmeError): boolean {
  return status !== undefined && [401, 403, 404, 410].includes(status);
}

async function authorize(
  client: Client,
  { status, challenges }: Authorization,
  answer: AnswerChallenge,
): Promise<void> {
  if (status !== "pending") return;
  const challenge = challenges.find(({ type }) => type === "http-01");
  if (challenge === undefined) throw new OrderEnded({ detail: "the server offers no HTTP-01 challenge" });
  await answer(challenge.token, await client.getChallengeKeyAuthorization(challenge));
  // The authority validates one that was begun before the agent was killed without being asked again.
  if (challenge.status === "pending") await client.completeChallenge(challenge);
}

/** The order once the server has done its part. */
async function later(client: Client, url: string, signal: AbortSignal): Promise<Order> {
  for (let delayMs = FIRST_POLL_MS; delayMs < LAST_POLL_MS; delayMs *= 1.5) {
    const order = await orderAt(client, url);
    if (order.status !== "pending" && order.status !== "processing") return order;
    await sleep(delayMs, undefined, { signal });
  }
  throw new AcmeError({ detail: "the server has not finished the order" });
}

/** The authority's own words on why it did not believe us. */
async function faultOf(client: Client, order: Order): Promise<string> {
  const authorizations = await client.getAuthorizations(order);
  const errors = [
    order.error,
    ...authorizations.flatMap(({ challenges }) => challenges.map(({ error }) => error)),
  ];
  const details = errors.flatMap((error) => problem.safeParse(error).data?.detail ?? []);
  return details[0] ?? `the order is ${order.status}`;
}
