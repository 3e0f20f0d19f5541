import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { cli } from "../world/cli.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

test("a link is followed as it was at the start, check shows where it leads, and one that is changed later takes a SIGHUP", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    prepare: async (folder) => {
      for (const name of ["first", "second"]) {
        await mkdir(path.join(folder, name));
        await writeFile(path.join(folder, name, "env"), "# nothing yet\n");
      }
      await symlink("first/env", path.join(folder, ".env.production"));
    },
  });
  const [first = "", second = ""] = ["first", "second"].map((name) => path.join(agent.folder, name, "env"));
  await agent.converged();
  expect(await readFile(first, "utf8")).toContain("LOCAL_DOMAIN=");
  expect((await cli(agent, ["check"])).output).toContain(`it is a link, and ${first} is what is replaced`);

  await rm(agent.envFile);
  await symlink("second/env", agent.envFile);
  await consul.put("mastodon/settings/MAILPORT", "587");
  const found = await until("the problem", async () => (await agent.status()).problems[0]?.message);
  expect(found).toMatch(/it leads to \S+second\/env, but led to \S+first\/env when the agent started/);
  expect(await readFile(second, "utf8")).toBe("# nothing yet\n");

  agent.signal("SIGHUP");
  await until("the new place", async () => (await readFile(second, "utf8")).includes("SMTP_PORT=587"));
  await agent.converged();
});
