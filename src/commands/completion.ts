import type { Command } from "commander";
import { ExitCode } from "../base/errors.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { type Branch, branchesOf } from "./completion/tree.ts";
import { zshScript } from "./completion/zsh.ts";
import type { Io } from "./io.ts";

export type Shell = "bash" | "zsh" | "fish";

/** Prints the script that lets a shell complete commands, flags and their values; it asks nothing while you type. */
export function completion(shell: Shell, program: Command, io: Io): ExitCode {
  io.out(SCRIPTS[shell](branchesOf(program)));
  return ExitCode.ok;
}

const SCRIPTS: Readonly<Record<Shell, (branches: readonly Branch[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
