import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "dotenv";
import { expect, test } from "vitest";
import { statusSchema } from "../../src/report/status.ts";
import { readByRuby } from "../render/ruby.ts";
import { type ConsulServer, startConsul } from "../world/consul.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";
import { type MigratingJail, startMigratingJail } from "./fixtures/migrating-jail.ts";
import { OLD_KEYS, SECRETS } from "./fixtures/old-jail.ts";

const page = await readFile(path.join(checkout(), "docs", "migrate.md"), "utf8");
const [preparation = ""] = blocksOf(page.split("\n## 1. ")[0] ?? "");
const steps = page
  .split(/^## (?=\d\. )/m)
  .slice(1)
  .map((section) => {
    const [commands = "", undo = "", ...others] = blocksOf(section.split(/^## /m)[0] ?? "");
    return { title: section.split("\n")[0] ?? "", commands, undo, others };
  });

/** What holds once a step is done, beyond that its undo leads back. */
const AFTER: Readonly<Record<string, (jail: MigratingJail, printed: string) => Promise<void>>> = {
  1: async (_, printed) => {
    expect(printed).toContain("mnt/mastodon/private/backup.env.production");
  },
  3: async (jail, printed) => {
    expect(printed).toBe("DBPASS\n");
    expect(await readFile(jail.at("/tmp/environment.sh"), "utf8")).toContain(`"DBPASS=${SECRETS.DB_PASS}"\n`);
  },
  4: async (jail, printed) => {
    expect(printed).toMatch(/^refused .*in each other's places/m);
    expect(printed.match(/^activerecord\.keys .*adopted/gm), printed).toHaveLength(1);
    expect(printed.match(/^present /gm)?.length).toBeGreaterThanOrEqual(4);
    for (const [name, text] of Object.entries(OLD_KEYS))
      if (name !== "activerecord.keys")
        expect(await readFile(jail.at(`/mnt/mastodon/private/${name}`), "utf8")).toBe(text);
  },
  5: async (_, printed) => {
    expect(printed).toMatch(/keeps what only that file says: SINGLE_USER_MODE;/);
    expect(printed).not.toMatch(/the secret \S+ changes/);
  },
  6: async (jail) => {
    expect(await variables(jail), "not written yet").toHaveProperty("SINGLE_USER_MODE");
  },
  7: async (jail) => {
    expect(await variables(jail)).toMatchObject({ ...SECRETS, SINGLE_USER_MODE: "false" });
    expect((await readByRuby([await environmentFile(jail)]))[0]).toMatchObject(SECRETS);
    expect(await heardSinceStart(jail), "each unit once").toEqual(
      ["consul", "sidekiq", "web", "streaming", "nginx"].map((unit) => `reload ${unit}`),
    );
  },
};

test("docs/migrate.md leads from the jail that configured itself once to the agent, with the same bytes for every secret, and every step can be undone", {
  timeout: 120_000,
}, async () => {
  await using consul = await startConsul();
  await using jail = await startMigratingJail(consul);
  const born = await stateIn(jail, consul);
  const before: Awaited<ReturnType<typeof stateIn>>[] = [];
  for (const { title, commands, undo } of steps) {
    const number = title.slice(0, 1);
    const here = await stateIn(jail, consul);
    before.push(here);
    const said = await typed(jail, commands);
    await settled(jail, number);
    expect(await stateIn(jail, consul), `${title}: ${said}`).not.toEqual(here);
    await typed(jail, undo);
    if (number === "7") await settled(jail, "6");
    expect(await stateIn(jail, consul), `undo of ${title}`).toEqual(here);
    const printed = await typed(jail, commands);
    await settled(jail, number);
    await AFTER[number]?.(jail, printed);
    if (Number(number) < 6) expect(await jail.heard(), "nothing is started or reloaded").toEqual([]);
  }
  for (const { title, undo } of steps.toReversed()) {
    await typed(jail, undo);
    if (title.startsWith("7")) await settled(jail, "6");
    expect(await stateIn(jail, consul), `undo of ${title}`).toEqual(before.pop());
  }
  expect(await stateIn(jail, consul)).toEqual(born);
});

test("a second node with the first one's key files has the pinned keys", {
  timeout: 120_000,
}, async () => {
  await using consul = await startConsul();
  await using first = await startMigratingJail(consul);
  await using second = await startMigratingJail(consul);
  for (const { commands } of steps.slice(0, 4)) await typed(first, commands);
  for (const { commands } of steps.slice(0, 3)) await typed(second, commands);
  const verify = "mastodon-agent keys verify --environment /tmp/environment.sh; echo code $?";
  const own = await typed(second, verify);
  expect(own).toMatch(/activerecord\.keys: its fingerprint is .* pinned[\s\S]*code 78\n$/);
  for (const name of Object.keys(OLD_KEYS)) {
    const file = `/mnt/mastodon/private/${name}`;
    await writeFile(second.at(file), await readFile(first.at(file)));
  }
  expect(await typed(second, verify)).toMatch(/^(present .*\n){4}code 0\n$/m);
});

test("the test types every command in the page's steps", () => {
  expect(steps.map(({ title }) => title[0]).join("")).toBe("12345678");
  for (const { title, commands, undo, others } of steps) {
    expect([commands, undo].includes(""), title).toBe(false);
    expect(others, title).toEqual([]);
  }
});

function typed(jail: MigratingJail, commands: string): Promise<string> {
  // That would go on until somebody interrupts it.
  return jail.type(`${preparation}\n${commands.replace("status --watch", "status")}`);
}

/** What the page says to wait for. */
async function settled(jail: MigratingJail, step: string): Promise<void> {
  const wanted = { 6: "held", 7: "converged" }[step];
  if (wanted === undefined) return;
  await until(`the agent to be ${wanted}`, async () => (await stateOf(jail)) === wanted);
  await until("the client", async () => (await heardSinceStart(jail)).includes("reload consul"));
}

async function heardSinceStart(jail: MigratingJail): Promise<readonly string[]> {
  const heard = await jail.heard();
  return heard.slice(heard.lastIndexOf("service mastodon_agent onestart") + 1);
}

/** Everything on disk, and everything in Consul that lasts. */
async function stateIn(jail: MigratingJail, consul: ConsulServer) {
  const keys = await consul.request("GET", "/v1/kv/?keys");
  const lasting = Array.isArray(keys)
    ? keys.filter((key) => /^mastodon\/|^mastodon-agent\/.*\/keys\//.test(String(key)))
    : [];
  const services = Object.keys(Object(await consul.request("GET", "/v1/agent/services"))).filter(
    (id) => !(id === "mastodon-agent-mastodon-1" || /^mastodon-(web|sidekiq|streaming)-/.test(id)),
  );
  return { files: await jail.everything(), keys: lasting, services };
}

async function stateOf(jail: MigratingJail): Promise<string> {
  return statusSchema.parse(await (await fetch(`${jail.url}/status`)).json()).state;
}

async function environmentFile(jail: MigratingJail): Promise<string> {
  return await readFile(jail.at("/usr/local/www/mastodon/.env.production"), "utf8");
}

async function variables(jail: MigratingJail): Promise<Readonly<Record<string, string>>> {
  return parse(await environmentFile(jail));
}

function blocksOf(section: string): readonly string[] {
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}
