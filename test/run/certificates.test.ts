import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { JAIL } from "../world/agent.ts";
import { makeCertificates } from "../world/certificates.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { holdLock } from "../world/hold-lock.ts";
import { startPebble } from "../world/pebble.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { until } from "../world/until.ts";
import { type HttpsSite, startHttpsSite } from "./fixtures/https.ts";

const { DOMAIN, BUCKETALIAS } = JAIL;

test("site and media get their certificates without manual steps, and new ones in time", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble({ validSeconds: 20 });
  await using site = await startHttpsSite(consul, pebble);
  const root = await pebble.root();
  const first = await until("https for the site", () => site.served(DOMAIN, root));
  expect(first.isTrusted).toBe(true);
  await until("https for the media", async () => (await site.served(BUCKETALIAS, root)).isTrusted);
  const { certificates } = await until("the status", async () => {
    const status = await site.agent.converged();
    return status.certificates.length === 2 && status;
  });
  const issued = { is_ours: true, issuer: expect.stringMatching(/^Pebble/), not_after: expect.any(String) };
  expect(certificates).toMatchObject([
    { domain: DOMAIN, ...issued },
    { domain: BUCKETALIAS, ...issued },
  ]);
  expect((await site.agent.status()).problems).toEqual([]);
  expect(await site.agent.reloads()).toEqual([]);

  const renewed = await until(
    "another certificate",
    async () => {
      const now = await site.served(DOMAIN, root);
      return now.fingerprint !== first.fingerprint && now;
    },
    30_000,
  );
  expect(renewed.isTrusted).toBe(true);
  await until("the cause on record", async () => {
    const { last_change } = await site.agent.status();
    return /^another certificate for (social|files)\.example\.org/.test(last_change?.cause ?? "");
  });
  expect(site.agent.output()).not.toContain("PRIVATE KEY");
  expect(pebble.count("There are now 2 accounts")).toBe(0);
});

test("a node that waits for its turn to order says who has it, and by which lock", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble();
  const key = `mastodon-agent/${DOMAIN}/certificates`;
  const session = await holdLock(consul, key, "jail9");
  await using site = await startHttpsSite(consul, pebble);
  const turn = await until("the turn to be waited for", async () => {
    const { certificates_turn: turn } = await site.agent.status();
    return turn;
  });
  expect(turn).toEqual({ key, holder: "jail9", since: expect.any(String) });
  expect((await cli(site.agent, ["status"])).output).toMatch(
    new RegExp(`^certificates +waiting since .* for the turn to order; jail9 has it \\(${key}\\)`, "m"),
  );
  await consul.request("PUT", `/v1/kv/${key}?release=${session}`, "jail9");
  await until("https for the site", () => site.served(DOMAIN));
  await until("the end of the wait", async () => (await site.agent.status()).certificates_turn === null);
}, 120_000);

test("nginx gets the port that the authority uses, however slowly it starts", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble({ sleepSeconds: 3 });
  await using site = await startHttpsSite(consul, pebble, { startAfter: "2s" });
  await until(
    "https for both",
    async () => {
      await site.served(BUCKETALIAS);
      return site.served(DOMAIN);
    },
    30_000,
  );
  await site.agent.converged();
  expect(site.agent.output()).not.toContain("change not applied");
});

test("a certificate with which nginx does not come up is rolled back to the old one", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble({ validSeconds: 20 });
  // Well as long as nginx.conf names the version that the test has written down.
  await using site = await startHttpsSite(consul, pebble, {
    health: (folder) => ({
      run: [
        "sh",
        "-c",
        `test -s ${folder}/nginx.pid && { test ! -e ${folder}/wanted || grep -q -f ${folder}/wanted ${folder}/nginx.conf; }`,
      ],
      timeout: "2s",
    }),
  });
  await until("https for both", async () => {
    await site.served(BUCKETALIAS);
    return site.served(DOMAIN);
  });
  await site.agent.converged();
  const first = await site.served(DOMAIN);
  const [version = ""] = await versions(site);
  await writeFile(path.join(site.agent.folder, "wanted"), `${DOMAIN}/${version}`);

  await until(
    "the change to be put back",
    async () => {
      const { problems } = await site.agent.status();
      return problems.some(({ code }) => code === "change_put_back");
    },
    30_000,
  );
  expect((await versions(site)).length).toBeGreaterThan(1);
  expect(await readFile(site.configuration, "utf8")).toContain(`${DOMAIN}/${version}/fullchain.pem`);
  await until(
    "the old certificate",
    async () => (await site.served(DOMAIN)).fingerprint === first.fingerprint,
  );
});

test("an operator's own certificate is served instead of an ordered one", async () => {
  await using consul = await startConsul();
  await using pebble = await startPebble();
  await using folder = await temporaryFolder("own");
  const made = await makeCertificates(folder.path, "127.0.0.1", DOMAIN);
  await using site = await startHttpsSite(consul, pebble, {
    prepare: async (home) => {
      await mkdir(path.join(home, "own", DOMAIN), { recursive: true });
      await writeFile(
        path.join(home, "own", DOMAIN, "fullchain.pem"),
        await readFile(made.serverCertificate),
      );
      await writeFile(path.join(home, "own", DOMAIN, "privkey.pem"), await readFile(made.serverKey));
    },
  });
  const ca = await readFile(made.ca, "utf8");
  await until("https for the site", async () => (await site.served(DOMAIN, ca)).isTrusted);
  await until("an ordered one for the media", async () => {
    const [own, ordered] = [await site.served(DOMAIN), await site.served(BUCKETALIAS)];
    return own.fingerprint !== ordered.fingerprint;
  });
  expect((await site.served(DOMAIN, ca)).isTrusted).toBe(true);
  expect(await readdir(site.storage)).not.toContain(DOMAIN);
});

async function versions({ storage }: HttpsSite): Promise<readonly string[]> {
  return (await readdir(path.join(storage, DOMAIN))).filter((name) => name.endsWith("Z")).sort();
}
