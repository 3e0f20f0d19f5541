import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { checkout } from "../world/programs.ts";
import { start } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";

/** What is installed as `mastodon-agent`; `npm test` has built it. */
const PROGRAM = path.join(checkout(), "dist", "cli.js");
const NOWHERE = "/nonexistent/environment.sh";

test.each(["--environment", "--env-file"])(
  "%s is the agent's own option when the agent is started by name",
  async (option) => {
    const { code, output } = await ended(PROGRAM, ["check", option, NOWHERE]);
    expect(output).toContain(`FAIL  configuration: ${NOWHERE}: there is no such file`);
    expect(code).toBe(78);
  },
);

test("--environment is the agent's own option even when Node is named", async () => {
  const { code, output } = await ended(process.execPath, [PROGRAM, "check", "--environment", NOWHERE]);
  expect(output).toContain(`FAIL  configuration: ${NOWHERE}: there is no such file`);
  expect(code).toBe(78);
});

test("a start in which Node takes --env-file for itself is refused, and says what to write instead", async () => {
  await using folder = await temporaryFolder("launcher");
  const file = folder.file("environment.sh");
  await writeFile(file, "DATACENTER=dc1\n", { mode: 0o600 });
  for (const argv of [
    [PROGRAM, "check", "--env-file", file],
    [PROGRAM, "check", `--env-file=${file}`],
    [`--env-file=${file}`, PROGRAM, "check"],
  ]) {
    const { code, output } = await ended(process.execPath, argv);
    expect(output).toMatch(/^mastodon-agent: --env-file: Node took .* Write --environment FILE .*\n$/);
    expect(code).toBe(78);
  }
});

test("a missing file makes Node end with 9 before the agent runs", async () => {
  const { code, output } = await ended(process.execPath, [PROGRAM, "check", "--env-file", NOWHERE]);
  expect(output).toBe(`${process.execPath}: ${NOWHERE}: not found\n`);
  expect(code, "which is why no supervisor should try it again").toBe(9);
});

async function ended(program: string, argv: readonly string[]) {
  const onlyEnv = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` };
  await using running = await start(program, argv, { onlyEnv });
  const { code } = await running.exited;
  return { code, output: running.output() };
}
