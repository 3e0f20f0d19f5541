import { lstat, rm } from "node:fs/promises";
import path from "node:path";
import { serviceNames } from "../agent/services.ts";
import { ExitCode, Misconfigured, messageOf } from "../base/errors.ts";
import type { Options } from "../options.ts";
import { DEPENDENCIES, DEPENDENCY_NAMES } from "../settings/dependencies.ts";
import { type ImportEntry, kvExport, type LeftOut } from "../sources/kv-export.ts";
import { replace, writeTemporary } from "../state/durable.ts";
import { optionsFrom, variablesFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";

export interface KvExportFlags extends CommonFlags {
  /** Secrets too. */
  readonly secrets?: boolean;
  /** Endpoints of watched dependencies too. */
  readonly endpoints?: boolean;
  /** Below this node's folder instead of for every node. */
  readonly node?: boolean;
  readonly out?: string;
}

/**
 * Writes the environment's settings in the form `consul kv import` takes, and says on standard error what was left out
 * and why. Asks nothing: Consul may be down.
 *
 * @throws Misconfigured when the file cannot be written
 */
export async function exportKv(flags: KvExportFlags, io: Io): Promise<ExitCode> {
  const options = optionsFrom(flags, io);
  const { entries, left } = kvExport(options.environment, variablesFrom(flags, io), {
    folder: folderOf(options, flags.node === true),
    withSecrets: flags.secrets === true,
    endpoints: flags.endpoints === true ? new Set() : watchedEndpoints(options),
  });
  if (flags.out === undefined) io.out(print(entries));
  else await writeInto(flags.out, entries, io);
  for (const [reason, names] of left) io.err(`left out: ${names.join(", ")}: ${REASONS[reason]}`);
  return ExitCode.ok;
}

const REASONS: Readonly<Record<LeftOut, string>> = {
  join: "needed to reach Consul, so they can only be in the environment",
  secret: "secret; --secrets includes them",
  endpoint:
    "left to the catalogue: the catalogue takes precedence over the environment, but KV would override it for good, and no failover would be followed; --endpoints includes them",
  pinned: "pinned keys, which stay in their files",
  unread: "Mastodon variables, which the agent does not read from the environment; put env/NAME yourself",
};

function folderOf({ config, node }: Options, isForNode: boolean): string {
  const { prefix } = config.watch;
  return isForNode ? `${prefix}/nodes/${node}` : prefix;
}

/** Host, port and scheme of every dependency that is looked up in the catalogue. */
function watchedEndpoints(options: Options): ReadonlySet<string> {
  const services = serviceNames(options);
  const watched = DEPENDENCY_NAMES.filter((name) => services[name] !== "").map((name) => DEPENDENCIES[name]);
  return new Set(watched.flatMap(({ host, port, scheme }) => [host, port, ...(scheme ? [scheme] : [])]));
}

function print(entries: readonly ImportEntry[]): string {
  return JSON.stringify(entries, null, 2);
}

/** Complete or not at all, and private. */
async function writeInto(file: string, entries: readonly ImportEntry[], io: Io): Promise<void> {
  const target = path.resolve(file);
  try {
    await refuseStranger(target);
    const temporary = await writeTemporary(target, `${print(entries)}\n`, { mode: 0o600 });
    await replace(temporary, target).catch(async (error) => {
      await rm(temporary, { force: true });
      throw error;
    });
  } catch (error) {
    const cure = "Name a new file, or a plain file to replace, in a directory that you may write to.";
    throw new Misconfigured({ where: `--out ${file}`, what: messageOf(error), cure }, { cause: error });
  }
  io.out(`${file}: ${entries.length} keys, for consul kv import @${file}`);
}

/** A rename would replace a link, or a device such as /dev/stdout. */
async function refuseStranger(target: string): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (there !== undefined && !there.isFile()) throw new Error("it exists and is not a plain file");
}
