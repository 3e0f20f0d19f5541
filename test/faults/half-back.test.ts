import path from "node:path";
import { expect, test } from "vitest";
import { HOSTS, startAgent } from "../world/agent.ts";
import { startConsul } from "../world/consul.ts";
import { until } from "../world/until.ts";

test("a rollback that fails at first is retried until the unit is healthy with the old files, and what was put stays rejected", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({
    consul,
    environment: HOSTS,
    config: (folder) => ({
      units: {
        web: {
          reload: [{ run: ["sh", "-c", `echo web >> ${path.join(folder, "reloads.log")}`] }],
          // Never well with the new value; and not after the third reload, which is that of the way back.
          health: {
            run: [
              "sh",
              "-c",
              `cd ${folder} && test $(wc -l < reloads.log) -ne 3 && grep -q SMTP_PORT=25 .env.production`,
            ],
            timeout: "1500ms",
          },
        },
      },
    }),
  });
  await agent.converged();
  await consul.put("mastodon/settings/MAILPORT", "587");
  await until("web to be well with the old file", async () => {
    const { last_change: change, problems } = await agent.status();
    const isToldSo = problems.some(({ code }) => code === "change_put_back");
    return isToldSo && change?.outcome === "applied" && (await agent.reloads()).length === 4;
  });
  expect((await agent.variables())["SMTP_PORT"]).toBe("25");
  await consul.put("mastodon/settings/MAILPORT", "25");
  await until("nothing to be wrong any more", async () => {
    const { state, problems } = await agent.status();
    return state === "converged" && problems.length === 0;
  });
});
