/** From "this domain needs a certificate" to one on the shelf. */
import { accountKey } from "./account.ts";
import { type Acme, openAcme } from "./acme.ts";
import { answer, type ChallengePlaces } from "./challenge.ts";
import { OrderEnded } from "./errors.ts";
import { type OrderFile, openOrder } from "./order-file.ts";
import { shelve } from "./shelf.ts";

export interface IssueOptions extends ChallengePlaces {
  readonly storage: string;
  readonly directory: string;
  /** PEM of the authorities of a private ACME server. */
  readonly ca: string | undefined;
  readonly email: string;
  readonly nowMs: number;
}

/**
 * Continues the order in progress, or makes one.
 *
 * @throws AcmeError if the server refuses
 * @throws Unavailable when the challenge cannot be answered, Refused for a useless certificate
 */
export async function issue(domain: string, options: IssueOptions, signal: AbortSignal): Promise<void> {
  const { storage, directory, ca, email, nowMs } = options;
  // First what needs the storage: a full disk must not be discovered at the server's expense.
  const key = await accountKey(storage, directory);
  const order = await openOrder(storage, domain, directory);
  const acme = await openAcme({ directory, ca, email, accountKey: key, signal });
  const chain = await carryOut(acme, order, domain, options);
  await shelve(storage, domain, { chain, key: order.key, nowMs });
  await order.ended();
}

async function carryOut(
  acme: Acme,
  order: OrderFile,
  domain: string,
  places: ChallengePlaces,
): Promise<string> {
  const fulfil = (url: string) =>
    acme.fulfil({ url, domain, key: order.key }, (token, content) =>
      answer({ domain, token, content }, places),
    );
  if (order.url !== undefined) {
    try {
      return await fulfil(order.url);
    } catch (error) {
      if (!(error instanceof OrderEnded)) throw error;
    }
  }
  const url = await acme.order(domain);
  await order.begun(url);
  try {
    return await fulfil(url);
  } catch (error) {
    if (error instanceof OrderEnded) await order.ended();
    throw error;
  }
}
