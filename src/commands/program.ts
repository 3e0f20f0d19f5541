import { Argument, Command, Option } from "commander";
import type { ExitCode } from "../base/errors.ts";
import { DEFAULT_CONFIG_FILE } from "../options/default-config-file.ts";
import { LOG_LEVELS } from "../report/log-levels.ts";
import { OUTCOMES } from "../report/outcomes.ts";
import { moment, positive } from "./arguments.ts";
import type { CheckFlags } from "./check.ts";
import type { Shell } from "./completion.ts";
import type { HistoryFlags } from "./history.ts";
import type { CommonFlags, Io } from "./io.ts";
import type { KeysFlags } from "./keys-command.ts";
import type { KvExportFlags } from "./kv-export.ts";
import type { RenderFlags } from "./render.ts";
import type { RunFlags } from "./run.ts";
import type { StatusFlags } from "./status.ts";

/** The commands and their flags. A command is loaded when it is used, so none pays for the others. */
export function buildProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command("mastodon-agent")
    .description(
      "Keeps Mastodon's configuration in step with Consul: settings from KV, endpoints from the catalogue, keys pinned.",
    )
    .version(io.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .showHelpAfterError("Run mastodon-agent --help for a list of commands.");

  const command = (name: string, description: string, example: string, parent = program): Command =>
    parent
      .command(name)
      .description(description)
      .option("--config <file>", `configuration file (YAML), by default ${DEFAULT_CONFIG_FILE}`)
      .option(
        "--environment <file>",
        "file with the jail's parameters, by default the one that the configuration names; the process environment takes precedence",
      )
      .addOption(new Option("--env-file <file>", "its old name").hideHelp().conflicts("environment"))
      .addHelpText("after", `\nExample:\n  $ mastodon-agent ${example}`);

  command(
    "run",
    "Join Consul, watch it and keep Mastodon's configuration in step with it; runs until SIGTERM.",
    "run --config /usr/local/etc/mastodon-agent.yaml",
  )
    .addOption(
      new Option("--log-level <level>", "overrides the level in the configuration").choices(LOG_LEVELS),
    )
    .action(async (flags: RunFlags) => {
      // Mastodon's configuration matters more than the log about it.
      io.outliveOutput();
      done(await (await import("./run.ts")).run(flags, io));
    });

  command(
    "render",
    "Render every file as it would be applied now, without applying it. Secrets are not shown.",
    "render --diff",
  )
    .option("--diff", "show what differs from the files on disk")
    .option("--out <dir>", "write the files into this directory, readable by you alone, secrets included")
    .option("--json", "for scripts; secrets masked")
    .action(async (flags: RenderFlags) => done(await (await import("./render.ts")).render(flags, io)));

  command(
    "check",
    "Check configuration, permissions, keys, Consul and every rendered file, and say what is wrong.",
    "check --probe",
  )
    .option(
      "--probe",
      "also check the units, the cluster, permissions and clocks, and try every backend with Mastodon's credentials",
    )
    .option("--json", "for scripts")
    .action(async (flags: CheckFlags) => done(await (await import("./check.ts")).check(flags, io)));

  command(
    "explain",
    "Say where a setting or variable comes from: every source's value in order of precedence.",
    "explain DB_HOST",
  )
    .argument("[name]", "a setting (DBHOST) or a variable (DB_HOST); without it, everything that is set")
    .option("--json", "for scripts")
    .action(async (name: string | undefined, flags: CommonFlags & { json?: boolean }) =>
      done(await (await import("./explain.ts")).explain(name, flags, io)),
    );

  command("status", "Ask the running agent where Mastodon points, and why.", "status --json")
    .option("--json", "for scripts")
    .option("--watch", "repeat every second until interrupted, even while the agent is away")
    .action(async (flags: StatusFlags) => done(await (await import("./status.ts")).status(flags, io)));

  command(
    "history",
    "List the changes: what, when, why and how each ended, newest last. Works while agent and Consul are down.",
    "history --since 2h --name DB_HOST --verbose",
  )
    .option("--since <time>", "only changes after this time: 2h, 7d or 2026-11-24T09:00", moment)
    .option("--until <time>", "only changes up to this time", moment)
    .addOption(new Option("--outcome <outcome>", "only changes with this outcome").choices(OUTCOMES))
    .option("--unit <unit>", "only changes that concerned this unit")
    .option("--name <name>", "only changes of this setting, variable or dependency")
    .option("--limit <number>", "how many of the newest", positive, 20)
    .addOption(
      new Option("--follow", "keep printing changes as they come, until interrupted").conflicts("until"),
    )
    .option("--verbose", "also show values before and after, files, and where the time went")
    .option("--json", "for scripts")
    .action(async (flags: HistoryFlags) => done(await (await import("./history.ts")).history(flags, io)));

  const keys = program.command("keys").description("Create, show, verify or adopt Mastodon's pinned keys.");
  for (const [name, description] of KEYS_COMMANDS) {
    command(name, description, `keys ${name}`, keys)
      .option("--json", "for scripts; fingerprints, never a key")
      .action(async (flags: KeysFlags) =>
        done(await (await import("./keys-command.ts")).keys(name, flags, io)),
      );
  }

  const kv = program
    .command("kv")
    .description("Move settings from the jail's environment to Consul's KV; see docs/kv.md.");
  command(
    "export",
    "Write the environment's settings as JSON for consul kv import; standard error says what was left out and why.",
    "kv export --secrets --out settings.json && consul kv import @settings.json",
    kv,
  )
    .option(
      "--secrets",
      "include the passwords, in plain text, even on standard output: mind where that goes",
    )
    .option(
      "--endpoints",
      "include hosts and ports that come from the catalogue: KV would override it for good",
    )
    .option("--node", "for this node only, below nodes/<NODENAME>/")
    .option("--out <file>", "write this file, readable by you alone, instead of standard output")
    .action(async (flags: KvExportFlags) => done(await (await import("./kv-export.ts")).exportKv(flags, io)));
  command(
    "diff",
    "Compare KV with the environment and with what is in force. Secrets are compared, not shown.",
    "kv diff",
    kv,
  )
    .option("--json", "for scripts")
    .action(async (flags: CommonFlags & { json?: boolean }) =>
      done(await (await import("./kv-diff.ts")).diffKv(flags, io)),
    );

  program
    .command("completion")
    .description("Print the script that lets a shell complete commands, flags and their values.")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", "\nExample:\n  $ source <(mastodon-agent completion bash)")
    .action(async (shell: Shell) => done((await import("./completion.ts")).completion(shell, program, io)));

  command(
    "demo",
    "Show the agent at work with a throwaway Consul, Postgres, Redis and a stand-in for Mastodon.",
    "demo --once",
  )
    .option("--once", "exit once everything has been shown and verified")
    .action(async (flags: { once?: boolean }) => done(await (await import("./demo.ts")).demo(flags, io)));

  return program;
}

const KEYS_COMMANDS = [
  ["init", "Create the missing keys, if this domain has none yet."],
  ["show", "Show files, fingerprints and modes; never the keys."],
  ["verify", "Verify files, pairs, storage and the pins in Consul."],
  ["adopt", "Copy the keys from the live .env.production into the key files."],
] as const;

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];
