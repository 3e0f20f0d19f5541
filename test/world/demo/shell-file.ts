import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { program } from "../programs.ts";
import { agentArgv, type DemoAgent } from "./agent.ts";
import type { Ground } from "./ground.ts";

/** Writes what gives a shell this world's `consul`, `redis-cli` and `mastodon-agent`: to be sourced. Returns its path. */
export async function writeShellFile(ground: Ground, agent: DemoAgent): Promise<string> {
  const bin = ground.file("bin");
  const file = ground.file("env");
  await mkdir(bin);
  for (const name of ["consul", "redis-cli"] as const) await symlink(program(name), join(bin, name));
  await writeFile(join(bin, "mastodon-agent"), launcher(agent));
  await chmod(join(bin, "mastodon-agent"), 0o755);
  const lines = [
    `export CONSUL_HTTP_ADDR=${quote(agent.consulAddress)}`,
    `export PATH=${quote(bin)}:"$PATH"`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}

/** The agent's commands want to know what the jail was born with, and where its configuration file is. */
function launcher({ environment, configFile }: DemoAgent): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`);
  const command = `exec ${agentArgv().map(quote).join(" ")} "$@" --config ${quote(configFile)}`;
  return ["#!/bin/sh", ...exports, command, ""].join("\n");
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
