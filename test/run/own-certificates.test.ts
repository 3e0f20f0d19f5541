/** An operator's own certificates that are of no use, with a real nginx: they hold nothing up, least of all a failover. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { JAIL } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { startPebble } from "../world/pebble.ts";
import { program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { type HttpsSite, startHttpsSite } from "./fixtures/https.ts";

const { DOMAIN } = JAIL;

test("a broken one is not used and holds nothing up, not even when it is moved away again", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble();
  await using site = await startHttpsSite(consul, pebble);
  await using folder = await temporaryFolder("own");
  const made = await makeCertificates(folder.path, "127.0.0.1", DOMAIN);
  const ordered = await orderedFor(site);

  await putOwn(site, made.serverCertificate, made.clientKey);
  await isFollowed(consul, site, "127.0.0.2");
  await isFollowed(consul, site, "127.0.0.3");
  expect((await site.served(DOMAIN)).fingerprint).toBe(ordered);

  await putOwn(site, made.serverCertificate, made.serverKey);
  // A change makes the agent look at the folders, which it otherwise does only now and then.
  await isFollowed(consul, site, "127.0.0.4");
  await until("the right one", async () => (await site.served(DOMAIN)).fingerprint !== ordered);
  await site.agent.converged();
  await takeAway(site);
  await isFollowed(consul, site, "127.0.0.5");
  await until("the ordered one", async () => (await site.served(DOMAIN)).fingerprint === ordered);
  await isFollowed(consul, site, "127.0.0.6");
});

test("one that only nginx refuses holds up no failover, and is forgotten when it is moved away", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble();
  const storage = { id: "s3a", service: "s3", node: "store1", address: "127.0.0.2", port: 9000 } as const;
  const other = { ...storage, id: "s3b", node: "store2", address: "127.0.0.3" } as const;
  await consul.register({ ...storage, status: "passing" });
  await using site = await startHttpsSite(consul, pebble);
  await using folder = await temporaryFolder("own");
  const ordered = await orderedFor(site);

  const weak = await makeWeakCertificate(folder.path);
  await putOwn(site, weak.certificate, weak.key);
  // The first is followed before the folder is looked at, the second may not be.
  await consul.put("mastodon/settings/BUCKETNAME", "media");
  await until("the refusal", async () => (await codesOf(site)).includes("change_refused"), 40_000);
  expect(JSON.stringify((await site.agent.status()).problems)).toContain("key too small");

  await consul.register({ ...other, status: "passing" });
  await consul.setCheck(storage, "critical");
  await until("the failover", async () => (await configurationOf(site)).includes("//127.0.0.3:9000/"));
  expect((await site.served(DOMAIN)).fingerprint).toBe(ordered);

  await takeAway(site);
  await consul.put("mastodon/settings/BUCKETNAME", "elsewhere");
  await until("the change", async () => (await configurationOf(site)).includes("/elsewhere/"), 40_000);
  await site.agent.converged();
  expect((await site.served(DOMAIN)).fingerprint).toBe(ordered);
});

test("one that is in use and moved away is served until there is another, and this is reported", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble();
  await using folder = await temporaryFolder("own");
  const made = await makeCertificates(folder.path, "127.0.0.1", DOMAIN);
  await using site = await startHttpsSite(consul, pebble, {
    directory: "",
    prepare: (home) => writeOwn(home, made.serverCertificate, made.serverKey),
  });
  const own = await until("https for the site", () => site.served(DOMAIN));
  await site.agent.converged();

  await takeAway(site);
  const complaint = await until(
    "the complaint",
    async () => (await site.agent.status()).problems.find(({ code }) => code === "certificate_gone"),
    40_000,
  );
  expect(complaint.message).toContain(path.join(site.agent.folder, "own", DOMAIN));
  expect((await site.served(DOMAIN)).fingerprint).toBe(own.fingerprint);
  expect(await configurationOf(site)).toContain(`own/${DOMAIN}/fullchain.pem`);

  await putOwn(site, made.serverCertificate, made.serverKey);
  await until("no complaint", async () => (await codesOf(site)).length === 0, 40_000);
});

async function orderedFor(site: HttpsSite): Promise<string> {
  const { fingerprint } = await until("https for the site", async () => {
    const { certificates } = await site.agent.converged();
    return certificates.every(({ not_after }) => not_after !== null) && site.served(DOMAIN);
  });
  return fingerprint;
}

function putOwn({ agent }: HttpsSite, chain: string, key: string): Promise<void> {
  return writeOwn(agent.folder, chain, key);
}

async function writeOwn(home: string, chain: string, key: string): Promise<void> {
  const folder = path.join(home, "own", DOMAIN);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "fullchain.pem"), await readFile(chain));
  await writeFile(path.join(folder, "privkey.pem"), await readFile(key));
}

function takeAway({ agent }: HttpsSite): Promise<void> {
  return rm(path.join(agent.folder, "own", DOMAIN), { recursive: true });
}

/** A change that nginx.conf is part of. */
async function isFollowed(consul: ConsulServer, site: HttpsSite, host: string): Promise<void> {
  await consul.put("mastodon/settings/BUCKETHOST", host);
  await until(`nginx.conf to name ${host}`, async () => (await configurationOf(site)).includes(`//${host}`));
  await site.agent.converged();
}

function configurationOf({ configuration }: HttpsSite): Promise<string> {
  return readFile(configuration, "utf8");
}

async function codesOf({ agent }: HttpsSite): Promise<readonly string[]> {
  return (await agent.status()).problems.map(({ code }) => code);
}

/** Whole and of its key, but with a key that OpenSSL takes no more. */
async function makeWeakCertificate(folder: string) {
  const [key, certificate] = [path.join(folder, "weak.key"), path.join(folder, "weak.pem")];
  const name = ["-subj", `/CN=${DOMAIN}`, "-addext", `subjectAltName=DNS:${DOMAIN}`];
  const argv = ["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "2", ...name];
  await run(program("openssl"), [...argv, "-keyout", key, "-out", certificate]);
  return { key, certificate };
}
