import { execFile as execFileWithCallback } from "node:child_process";
import { promisify } from "node:util";

const execFile = promisify(execFileWithCallback);
const TIMEOUT_MS = 5000;

/** What ps(1) prints in the C locale; empty if it fails or takes too long. For systems without Linux's /proc. */
export async function ps(...argv: readonly string[]): Promise<string> {
  const options = { env: { PATH: "/bin:/usr/bin", LC_ALL: "C" }, timeout: TIMEOUT_MS };
  const { stdout } = await execFile("ps", argv, options).catch(() => ({ stdout: "" }));
  return stdout;
}
