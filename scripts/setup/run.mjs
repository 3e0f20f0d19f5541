// Runs a program quietly: its lines go to the progress display, its last ones into the error.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const TAIL_LINES = 25;

/** Resolves to the output; rejects with the end of it when the exit code is not 0. */
export function run(command, argv, { cwd, env, detail = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (chunk) => {
        output += chunk;
        for (const line of chunk.split("\n")) detail(line);
      });
    }
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(output);
      const tail = output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
      reject(new Error(`${tail}\n${command} ${argv.join(" ")} ended with ${code ?? signal}`));
    });
  });
}

/** Where a program is found on the PATH, or undefined. */
export function which(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
