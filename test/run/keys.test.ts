import { chmod, chown, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent, type TestAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";

const NOBODY = 65_534;

/** The pair of RFC 7515, A.3; the others as somebody made them who did not ask `rails secret`. */
const LIVE = {
  SECRET_KEY_BASE: "5ebe2294ecd0e0f08eab7690d2a6ee69",
  OTP_SECRET: "a pass phrase, of all things",
  VAPID_PRIVATE_KEY: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI=",
  VAPID_PUBLIC_KEY:
    "BH_Nzidw9sRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRFx_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0=",
  ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY: "deterministic",
  ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT: "c2FsdCBpbiBiYXNlNjQ=",
  ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY: "primary/+",
};

test("a Mastodon with keys of an unusual form keeps them once they are adopted", async () => {
  await using consul = await startConsul();
  const text = Object.entries(LIVE).map(([name, value]) => `${name}='${value}'\n`);
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    prepare: (folder) => writeFile(path.join(folder, ".env.production"), text),
  });
  expect((await agent.exited()).code).toBe(78);
  expect(agent.output()).toMatch(
    /it has SECRET_KEY_BASE, but \S+secret\.key is missing\. .*`mastodon-agent keys adopt`/,
  );
  expect(await agent.variables(), "nothing was touched").toEqual(LIVE);

  const adopted = await cli(agent, ["keys", "adopt"]);
  expect(adopted.output).toMatch(
    /^secret\.key .*adopted +pinned now\n {2}of an unusual form, kept as Mastodon has it$/m,
  );
  expect(adopted.code).toBe(0);
  expect((await cli(agent, ["keys", "verify"])).code).toBe(0);

  await agent.start();
  await agent.converged();
  expect(await agent.variables()).toMatchObject(LIVE);
  for (const value of Object.values(LIVE)) expect(agent.output() + adopted.output).not.toContain(value);
});

// Only root gives files away, and becomes somebody else.
if (process.geteuid?.() === 0) {
  test("a key that may not be read is unreadable, and the cure is the chown for the user who is kept out", async () => {
    await using consul = await startConsul();
    await using agent = await startAgent({ consul, environment: HOSTS });
    await agent.converged();
    await agent.stop();
    const keys = path.join(agent.folder, "keys");
    await open(agent);

    const closed = await cli(agent, ["keys", "verify"], { uid: NOBODY });
    expect(closed.output, "one closed folder is one complaint").toMatch(
      /^refused {2}\S+\/keys: nobody may not read it \(owner root, group root, mode 0700\)\. Run this as root .*`sudo mastodon-agent \.\.\.`.* If the agent runs as nobody, give it to that user, as root: `chown nobody: \S+\/keys`\n/,
    );
    expect(closed.output.match(/may not read/g)).toHaveLength(1);
    expect(closed.code).toBe(78);

    await chown(keys, NOBODY, NOBODY);
    const shown = await cli(agent, ["keys", "show"], { uid: NOBODY });
    expect(shown.output).toMatch(/^secret\.key +unreadable +pinned: /m);
    expect(shown.output).not.toContain("malformed");
    expect(shown.output).toMatch(
      /\/secret\.key: nobody may not read it .*\. As root: `chown nobody: \S+\/secret\.key`$/m,
    );
  });
}

/** For everybody, but for the keys. */
async function open({ folder, configFile, envFile }: TestAgent): Promise<void> {
  await chmod(folder, 0o755);
  await chmod(configFile, 0o644);
  await chmod(envFile, 0o644);
}
