/** Whether an S3 endpoint serves our bucket to our key: a signed HEAD on it, which needs no SDK, and a GET if that is refused. */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import aws4 from "aws4";
import { addressOf } from "../base/address.ts";
import { digest } from "../base/digest.ts";
import type { Secret } from "../base/secret.ts";
import { authority, explainNetwork } from "./network.ts";
import { type ProbeFailure, type ProbeResult, refused, WRITABLE } from "./result.ts";
import { explainError } from "./s3-errors.ts";

export interface S3Target {
  readonly scheme: "http" | "https";
  /** The bucket's own, if the storage knows buckets by host name. */
  readonly host: string;
  readonly port: number;
  /** Of the bucket, at that host: `/mastodon`, or empty. */
  readonly path: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret;
  /** PEM file with the authority of the server's certificate. */
  readonly caFile?: string;
}

/** S3 refuses a signature that is further off (RequestTimeTooSkewed). */
const CLOCK_TOLERANCE_MS = 15 * 60_000;
const NO_BODY = digest("");
/** An error fits many times over; a list of no objects does too. */
const BODY_BYTES = 16_384;
/** What a list of no objects costs nothing. */
const NO_OBJECTS = "?list-type=2&max-keys=0";

export async function lookAtS3(target: S3Target, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const head = await ask("HEAD", "", target, signal);
    head.resume();
    return judge(head, target) ?? (await explain(await ask("GET", NO_OBJECTS, target, signal), target));
  } catch (error) {
    return inHostStyle(explainNetwork(error, "does not speak HTTP"), target);
  }
}

async function ask(
  method: string,
  query: string,
  target: S3Target,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = {
    ...signed(method, query, target),
    signal,
    // A new connection, closed after the answer.
    agent: false,
  } as const;
  const request =
    target.scheme === "https"
      ? requestHttps({ ...options, ...(await authority(target.caFile)) })
      : requestHttp(options);
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.once("response", resolve);
    request.end();
  });
}

/** Signature version 4, over the host with its port, as S3 sees it. */
function signed(method: string, query: string, target: S3Target) {
  const { host, port, path, region, accessKey, secretKey } = target;
  const resource = `${path || "/"}${query}`;
  const { headers = {} } = aws4.sign(
    {
      service: "s3",
      region,
      method,
      path: resource,
      headers: { Host: addressOf({ host, port }), "X-Amz-Content-Sha256": NO_BODY },
    },
    { accessKeyId: accessKey, secretAccessKey: secretKey.reveal() },
  );
  return { method, host, port, path: resource, headers };
}

/** What the answer to HEAD says; undefined if it takes the words of a GET to know. */
function judge({ statusCode = 0, headers }: IncomingMessage, target: S3Target): ProbeResult | undefined {
  const { bucket, region } = target;
  if (statusCode >= 200 && statusCode < 300) return WRITABLE;
  if (statusCode >= 500 || statusCode === 429) {
    return refused("not_ready", `answers with status ${statusCode}`);
  }
  switch (statusCode) {
    case 404:
      return refused("no_such_bucket", `has no bucket "${bucket}"`);
    case 301:
    case 307:
      return refused("no_such_bucket", `serves the bucket "${bucket}" elsewhere: is the region ${region}?`);
    default:
      return isFarOff(headers.date)
        ? refused(
            "wrong_credentials",
            "refuses the signature: its clock and ours are more than 15 minutes apart",
          )
        : undefined;
  }
}

/** The answer to HEAD has no words: whatever is wrong with key, signature or bucket is status 403. */
async function explain(answer: IncomingMessage, target: S3Target): Promise<ProbeResult> {
  const body = await beginningOf(answer);
  return judge(answer, target) ?? explainError(body, answer.statusCode ?? 0, target);
}

async function beginningOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    text += chunk;
    if (text.length >= BODY_BYTES) break;
  }
  return text;
}

/** That the bucket is part of the name is easily overlooked. */
function inHostStyle(failure: ProbeFailure, { host, path }: S3Target): ProbeFailure {
  if (path !== "") return failure;
  const cure = `S3_OVERRIDE_PATH_STYLE makes Mastodon ask ${host}: that name must lead to the storage, with a certificate for it.`;
  return { cure, ...failure };
}

function isFarOff(date: string | undefined): boolean {
  return date !== undefined && Math.abs(Date.parse(date) - Date.now()) > CLOCK_TOLERANCE_MS;
}
