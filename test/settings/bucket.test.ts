import { expect, test } from "vitest";
import { placeOf } from "../../src/settings/bucket.ts";

// As aws-sdk-s3 1.200 addresses them for Mastodon.
test.each([
  ["https", "s3.example.org", "mastodon", false, "s3.example.org/mastodon"],
  ["https", "s3.example.org", "mastodon", true, "mastodon.s3.example.org"],
  ["http", "s3.example.org", "mastodon", true, "mastodon.s3.example.org"],
  ["https", "s3.example.org", "media.example.org", true, "s3.example.org/media.example.org"],
  ["http", "s3.example.org", "media.example.org", true, "media.example.org.s3.example.org"],
  ["http", "s3.example.org", "my.media", true, "s3.example.org/my.media"],
  ["https", "10.0.0.1", "mastodon", true, "10.0.0.1/mastodon"],
  ["http", "fd00::1", "mastodon", true, "fd00::1/mastodon"],
])("over %s at %s the bucket %s (by host: %s) is at %s", (scheme, host, bucket, byHost, place) => {
  const found = placeOf({ scheme, host, bucket, byHost });
  expect(`${found.host}${found.path}`).toBe(place);
});
