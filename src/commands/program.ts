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
      "Keeps Mastodon's configuration true to Consul: settings by KV, endpoints by the catalogue, keys pinned.",
    )
    .version(io.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .showHelpAfterError("Run mastodon-agent --help to see what there is.");

  const command = (name: string, description: string, example: string, parent = program): Command =>
    parent
      .command(name)
      .description(description)
      .option("--config <file>", `configuration file (YAML), by default ${DEFAULT_CONFIG_FILE}`)
      .option(
        "--environment <file>",
        "file with the jail's parameters, by default the one that the configuration names; the process environment goes before it",
      )
      .addOption(new Option("--env-file <file>", "its old name").hideHelp().conflicts("environment"))
      .addHelpText("after", `\nExample:\n  $ mastodon-agent ${example}`);

  command(
    "run",
    "Join Consul, watch it and keep Mastodon's configuration true; runs until SIGTERM.",
    "run --config /usr/local/etc/mastodon-agent.yaml",
  )
    .addOption(new Option("--log-level <level>", "goes before the configuration's").choices(LOG_LEVELS))
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
    "Look at configuration, permissions, keys, Consul and every rendered file, and say what is wrong.",
    "check --probe",
  )
    .option(
      "--probe",
      "also look at the units, the cluster, permissions and clocks, and try every backend with Mastodon's credentials",
    )
    .option("--json", "for scripts")
    .action(async (flags: CheckFlags) => done(await (await import("./check.ts")).check(flags, io)));

  command(
    "explain",
    "Say where a setting or variable comes from: every source's value in order of precedence.",
    "explain DB_HOST",
  )
    .argument("[name]", "a setting (DBHOST) or a variable (DB_HOST); without it, all that are set")
    .option("--json", "for scripts")
    .action(async (name: string | undefined, flags: CommonFlags & { json?: boolean }) =>
      done(await (await import("./explain.ts")).explain(name, flags, io)),
    );

  command("status", "Ask the running agent where Mastodon is pointing, and why.", "status --json")
    .option("--json", "for scripts")
    .option("--watch", "go on, every second, until it is interrupted; also while the agent is away")
    .action(async (flags: StatusFlags) => done(await (await import("./status.ts")).status(flags, io)));

  command(
    "history",
    "What was changed, when, why and how it ended; the newest last. Works while agent and Consul are down.",
    "history --since 2h --name DB_HOST --verbose",
  )
    .option("--since <time>", "not older: 2h, 7d or 2026-11-24T09:00", moment)
    .option("--until <time>", "not newer", moment)
    .addOption(new Option("--outcome <outcome>", "only these").choices(OUTCOMES))
    .option("--unit <unit>", "only where this unit was concerned")
    .option("--name <name>", "only where this setting, variable or dependency changed")
    .option("--limit <number>", "the newest so many", positive, 20)
    .addOption(
      new Option("--follow", "go on with each change as it comes, until interrupted").conflicts("until"),
    )
    .option("--verbose", "with values before and after, files, and where the time went")
    .option("--json", "for scripts")
    .action(async (flags: HistoryFlags) => done(await (await import("./history.ts")).history(flags, io)));

  const keys = program
    .command("keys")
    .description("Mastodon's pinned keys: make, show, verify or adopt them.");
  for (const [name, description] of KEYS_COMMANDS) {
    command(name, description, `keys ${name}`, keys)
      .option("--json", "for scripts; fingerprints, never a key")
      .action(async (flags: KeysFlags) =>
        done(await (await import("./keys-command.ts")).keys(name, flags, io)),
      );
  }

  const kv = program
    .command("kv")
    .description("The way from the jail's environment to Consul's KV; see docs/kv.md.");
  command(
    "export",
    "Write what the environment holds as JSON for consul kv import; standard error says what was left out and why.",
    "kv export --secrets --out settings.json && consul kv import @settings.json",
    kv,
  )
    .option("--secrets", "with the passwords, in plain text, on standard output too: mind where it goes")
    .option("--endpoints", "with hosts and ports that the catalogue is asked for: KV would hide it for ever")
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
    .description("Print the script with which a shell completes commands, flags and their values.")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", "\nExample:\n  $ source <(mastodon-agent completion bash)")
    .action(async (shell: Shell) => done((await import("./completion.ts")).completion(shell, program, io)));

  command(
    "demo",
    "Show the life of the agent on a throwaway Consul, Postgres, Redis and a stand-in for Mastodon.",
    "demo --once",
  )
    .option("--once", "end when everything was shown and verified")
    .action(async (flags: { once?: boolean }) => done(await (await import("./demo.ts")).demo(flags, io)));

  return program;
}

const KEYS_COMMANDS = [
  ["init", "Make the keys that are missing, if this domain has none yet."],
  ["show", "Show files, fingerprints and modes; never the keys."],
  ["verify", "Verify files, pairs, storage and the pins in Consul."],
  ["adopt", "Take the keys of the live .env.production over into the key files."],
] as const;

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];
