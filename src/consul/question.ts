/** The doctor's queries that the calls in `client.ts` do not cover: one at a time, without keeping a connection. */
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { urlBelow } from "../base/address.ts";
import type { ConsulConnection } from "./create-client.ts";

const ANSWER_TIMEOUT_MS = 5000;

export interface ConsulReply {
  readonly status: number;
  readonly body: string;
}

/** @throws the system's error when there is no answer */
export async function askConsul(
  { address, token, namespace, sslVerify, ...tls }: ConsulConnection,
  method: "GET" | "POST",
  path: string,
  body = "",
): Promise<ConsulReply> {
  const { request: send } = address.startsWith("https:") ? https : http;
  const request = send(urlBelow(address, path), {
    method,
    agent: false,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    rejectUnauthorized: sslVerify,
    ...(tls.caCert !== undefined && { ca: tls.caCert }),
    ...(tls.clientCert !== undefined && { cert: tls.clientCert }),
    ...(tls.clientKey !== undefined && { key: tls.clientKey }),
    headers: {
      ...(token !== undefined && { "X-Consul-Token": token.reveal() }),
      ...(namespace !== undefined && { "X-Consul-Namespace": namespace }),
    },
  });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).on("error", reject).end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
