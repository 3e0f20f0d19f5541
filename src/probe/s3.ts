/** Whether an S3 endpoint serves our bucket to our key: a signed HEAD on it, path style, which needs no SDK. */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import aws4 from "aws4";
import { addressOf } from "../base/address.ts";
import { digest } from "../base/digest.ts";
import type { Secret } from "../base/secret.ts";
import { authority, explainNetwork } from "./network.ts";
import { type ProbeResult, refused, WRITABLE } from "./result.ts";

export interface S3Target {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
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

export async function lookAtS3(target: S3Target, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return judge(await head(target, signal), target);
  } catch (error) {
    return explainNetwork(error, "does not speak HTTP");
  }
}

async function head(target: S3Target, signal: AbortSignal): Promise<IncomingMessage> {
  const options = {
    ...signed(target),
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
    request.once("response", (response) => resolve(response.resume()));
    request.end();
  });
}

/** Signature version 4, over the host with its port, as S3 sees it. */
function signed({ host, port, bucket, region, accessKey, secretKey }: S3Target) {
  const address = addressOf({ host, port });
  const { headers = {} } = aws4.sign(
    {
      service: "s3",
      region,
      method: "HEAD",
      path: `/${bucket}`,
      headers: { Host: address, "X-Amz-Content-Sha256": NO_BODY },
    },
    { accessKeyId: accessKey, secretAccessKey: secretKey.reveal() },
  );
  return { method: "HEAD", host, port, path: `/${bucket}`, headers };
}

function judge({ statusCode = 0, headers }: IncomingMessage, { bucket, region }: S3Target): ProbeResult {
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
    case 401:
    case 403:
      return refused(
        "wrong_credentials",
        isFarOff(headers.date)
          ? "refuses the signature: its clock and ours are more than 15 minutes apart"
          : `refuses the access key, its secret, or access to the bucket "${bucket}"`,
      );
    default:
      return refused("wrong_credentials", `does not understand the signed request (status ${statusCode})`);
  }
}

function isFarOff(date: string | undefined): boolean {
  return date !== undefined && Math.abs(Date.parse(date) - Date.now()) > CLOCK_TOLERANCE_MS;
}
