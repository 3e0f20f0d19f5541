// Runs a program quietly: its lines go to the progress display, its first and last ones into the error.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** npm says the reason first, apt last. */
const EXCERPT_LINES = 12;

/** Resolves to the output; rejects with an excerpt of it when the exit code is not 0. */
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
      reject(new Error(`${excerpt(output)}\n${command} ${argv.join(" ")} ended with ${code ?? signal}`));
    });
  });
}

function excerpt(output) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= 2 * EXCERPT_LINES) return lines.join("\n");
  return [...lines.slice(0, EXCERPT_LINES), "...", ...lines.slice(-EXCERPT_LINES)].join("\n");
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
