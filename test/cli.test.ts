import { chmod, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { AGENT, HOSTS, startAgent } from "./world/agent.ts";
import { startConsul } from "./world/consul.ts";
import { start } from "./world/spawn.ts";
import { temporaryFolder } from "./world/temporary.ts";
import { until } from "./world/until.ts";

const ENDS: [title: string, redirection: string, code: number, output: RegExp][] = [
  [
    "a full disk fails and says so",
    "> /dev/full",
    75,
    /^mastodon-agent: standard output: .*ENOSPC.*Make room.*\n$/,
  ],
  ["a full disk fails where nobody hears why either", "> /dev/full 2>&1", 75, /^$/],
  ["a reader that went away has what it wanted", "> >(exec true)", 0, /^$/],
];

test.each(ENDS)("output that cannot be written: %s", async (_, redirection, code, output) => {
  const script = `exec "$0" "$@" ${redirection}`;
  const argv = ["-c", script, process.execPath, AGENT, "completion", "bash"];
  await using running = await start("bash", argv);
  expect((await running.exited).code).toBe(code);
  expect(running.output()).toMatch(output);
});

test.each(["> /dev/full", "> /dev/full 2>&1", "> >(head -n 1)", "> >(head -n 1) 2>&1"])(
  "the agent goes on without its log: %s",
  async (redirection) => {
    await using folder = await temporaryFolder("output");
    const program = folder.file("agent");
    await writeFile(program, `#!/usr/bin/env bash\nexec ${process.execPath} ${AGENT} "$@" ${redirection}\n`);
    await chmod(program, 0o755);
    await using consul = await startConsul();
    await using agent = await startAgent({ consul, environment: HOSTS, program });
    await agent.converged();
    await consul.put("mastodon/settings/MAILPORT", "587");
    await until("the put to apply", async () => (await agent.variables())["SMTP_PORT"] === "587");
    await agent.converged();
    expect((await agent.stop()).code).toBe(0);
  },
);
