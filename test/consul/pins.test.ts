import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Unavailable } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { createPinStore } from "../../src/consul/pins.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { clientAt } from "./fixtures/connection.ts";

let consul: ConsulServer;
let token: Secret;

beforeAll(async () => {
  consul = await startConsul({ acl: true });
  token = new Secret(consul.token ?? "");
});
afterAll(() => consul[Symbol.asyncDispose]());

test("a pin is made once for a domain, and only an explicit act replaces it", async () => {
  const pins = createPinStore(clientAt(consul.address, { token }), "once.example");
  expect(await pins.read()).toEqual(new Map());
  expect(await pins.create("secret.key", "aaaa")).toBe(true);
  expect(await pins.create("secret.key", "bbbb")).toBe(false);
  expect(await pins.read()).toEqual(new Map([["secret.key", "aaaa"]]));
  await pins.replace("secret.key", "bbbb");
  expect(await pins.read()).toEqual(new Map([["secret.key", "bbbb"]]));
  expect(await consul.get("mastodon-agent/once.example/keys/secret.key")).toBe("bbbb");
});

test("if two nodes pin at the same moment, one is first", async () => {
  const [one, other] = [1, 2].map(() => createPinStore(clientAt(consul.address, { token }), "race.example"));
  const made = await Promise.all([one?.create("vapid.keys", "aaaa"), other?.create("vapid.keys", "bbbb")]);
  expect(made.toSorted()).toEqual([false, true]);
});

test("a pin that was put by hand with a newline counts", async () => {
  await consul.put("mastodon-agent/hand.example/keys/otp.key", "cccc\n");
  const pins = createPinStore(clientAt(consul.address, { token }), "hand.example");
  expect(await pins.read()).toEqual(new Map([["otp.key", "cccc"]]));
});

test("pins that the token may not see do not count as absent", async () => {
  await consul.put("mastodon-agent/hidden.example/keys/otp.key", "dddd");
  const blind = new Secret(await consul.createToken('key_prefix "mastodon/" { policy = "read" }'));
  const pins = createPinStore(clientAt(consul.address, { token: blind }), "hidden.example");
  const reading = pins.read();
  await expect(reading).rejects.toThrow(Unavailable);
  await expect(reading).rejects.toThrow(/hidden\.example.*Permission denied.*consul-policy\.hcl/);
  await expect(pins.create("otp.key", "eeee")).rejects.toThrow(Unavailable);
});

test("a token that Consul does not know is named as the reason, without the token", async () => {
  const unknown = randomUUID();
  const reading = createPinStore(
    clientAt(consul.address, { token: new Secret(unknown) }),
    "x.example",
  ).read();
  await expect(reading).rejects.toThrow(/ACL not found/);
  await expect(reading).rejects.not.toThrow(unknown);
});

test("a Consul that does not answer is unavailable", async () => {
  await consul.stop();
  const pins = createPinStore(clientAt(consul.address, { token }), "gone.example");
  await expect(pins.read()).rejects.toThrow(Unavailable);
  await expect(pins.replace("otp.key", "ffff")).rejects.toThrow(
    /gone\.example.*ECONNREFUSED.*consul members/,
  );
});
