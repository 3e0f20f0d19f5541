/** What an S3 server's error means, by the code that its answer has in XML. */
import { type ProbeResult, refused, WRITABLE } from "./result.ts";

interface Asked {
  readonly bucket: string;
  readonly region: string;
}

const KEYS = "Put settings/BUCKETUSER and settings/BUCKETPASS as the storage has them.";
const unknownKey = refused("wrong_credentials", "does not know the access key", KEYS);
const wrongSignature = refused(
  "wrong_credentials",
  "knows the access key, but refuses its secret (or a proxy in between changes Host or path)",
  KEYS,
);

type Explain = (asked: Asked, message: string) => ProbeResult;

const ERRORS: ReadonlyMap<string, Explain> = new Map<string, Explain>([
  ["InvalidAccessKeyId", () => unknownKey],
  ["SignatureDoesNotMatch", () => wrongSignature],
  // The key is known and its signature right: whether it may list is of no use to Mastodon, which only writes.
  ["AccessDenied", (_asked, message) => DENIALS.find(({ words }) => words.test(message))?.means ?? WRITABLE],
  ["NoSuchBucket", ({ bucket }) => refused("no_such_bucket", `has no bucket "${bucket}"`)],
  [
    "RequestTimeTooSkewed",
    () =>
      refused(
        "wrong_credentials",
        "refuses the signature: its clock and ours are more than 15 minutes apart",
      ),
  ],
  [
    "AuthorizationHeaderMalformed",
    ({ region }) =>
      refused("wrong_credentials", `expects another region than ${region}`, "Put settings/BUCKETREGION."),
  ],
]);

/** Garage denies access where others have a code of their own. */
const DENIALS = [
  { words: /no such key/i, means: unknownKey },
  { words: /invalid signature/i, means: wrongSignature },
] as const;

/** @param body the answer to a GET; a server's own words are not passed on */
export function explainError(body: string, status: number, asked: Asked): ProbeResult {
  const code = elementIn(body, "Code");
  const known = ERRORS.get(code);
  if (known !== undefined) return known(asked, elementIn(body, "Message"));
  return status === 401 || status === 403
    ? refused(
        "wrong_credentials",
        `refuses the access key, its secret, or access to the bucket "${asked.bucket}"`,
      )
    : refused("wrong_credentials", `does not understand the signed request (status ${status})`);
}

function elementIn(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}
