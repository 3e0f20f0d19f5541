import { ip } from "./types.ts";

export interface Bucket {
  readonly scheme: string;
  readonly host: string;
  readonly bucket: string;
  /** `S3_OVERRIDE_PATH_STYLE`: the storage knows buckets by host name only. */
  readonly byHost: boolean;
}

/** Where Mastodon finds a bucket: `path` is empty if the host says which one it is. */
export interface BucketPlace {
  readonly host: string;
  readonly path: string;
}

const LABEL = /^(?!-)[a-z0-9-]{3,63}(?<!-)$/;

/**
 * As the S3 library of Mastodon addresses it: by host only where that can work. A certificate for `*.host` does not cover a
 * bucket with dots, and there are no names below an address. Source: the endpoint rules of aws-sdk-s3.
 */
export function placeOf({ scheme, host, bucket, byHost }: Bucket): BucketPlace {
  const byPath = { host, path: `/${bucket}` };
  const fitsHost = LABEL.test(bucket)
    ? ip.accept(host) === undefined
    : scheme === "http" && bucket.split(".").every((label) => LABEL.test(label));
  return byHost && fitsHost ? { host: `${bucket}.${host}`, path: "" } : byPath;
}
