/** Whether an Elasticsearch or OpenSearch answers Mastodon's user: a GET of its root, which is how Chewy's client begins. */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Secret } from "../base/secret.ts";
import { authority, explainNetwork } from "./network.ts";
import { type ProbeResult, refused, WRITABLE } from "./result.ts";

export interface ElasticsearchTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly login?: { readonly user: string; readonly password: Secret };
  /** PEM file with the authority of the server's certificate. */
  readonly caFile?: string;
}

export async function lookAtElasticsearch(
  target: ElasticsearchTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  try {
    return judge(await root(target, signal));
  } catch (error) {
    return explainNetwork(error, "does not speak HTTP");
  }
}

async function root(target: ElasticsearchTarget, signal: AbortSignal): Promise<IncomingMessage> {
  const { scheme, host, port, login } = target;
  const auth = login && `${login.user}:${login.password.reveal()}`;
  // A new connection, closed after the answer.
  const options = {
    host,
    port,
    path: "/",
    signal,
    agent: false,
    ...(auth !== undefined && { auth }),
  } as const;
  const request =
    scheme === "https"
      ? requestHttps({ ...options, ...(await authority(target.caFile)) })
      : requestHttp(options);
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.once("response", (response) => resolve(response.resume()));
    request.end();
  });
}

function judge({ statusCode = 0 }: IncomingMessage): ProbeResult {
  if (statusCode >= 200 && statusCode < 300) return WRITABLE;
  if (statusCode === 401) return refused("wrong_credentials", "refuses the user or the password");
  if (statusCode === 403) return refused("wrong_credentials", "does not let this user query anything");
  return refused("not_ready", `answers with status ${statusCode}`);
}
