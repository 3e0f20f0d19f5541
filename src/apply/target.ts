/** Where a file really is: links are followed, and what a rename cannot replace is refused. */
import { lstatSync } from "node:fs";
import { readFile, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Misconfigured } from "../base/errors.ts";

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * The path that is replaced. A link stays a link and its target is replaced, because operators link configuration to
 * persistent storage. Only links of root or of the agent's own user are followed: with any other, anyone who may write
 * in the directory could aim a privileged agent at any file on the machine.
 * @throws Misconfigured for a foreign or endless link, and for a target that is not a regular file
 */
export async function targetOf(path: string, links = 0): Promise<string> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return path;
  if (!found.isSymbolicLink()) {
    throw refuse(path, "it exists but is not a regular file", "Move it away, or give the file another path.");
  }
  if (links === MAX_LINKS) throw refuse(path, "its symbolic links form a circle", "Remove the wrong links.");
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) {
    throw refuse(
      path,
      `it is a symbolic link that belongs to uid ${found.uid}, which is not followed`,
      "Make root or the agent's user create the link, or use the link's target as the path.",
    );
  }
  return targetOf(resolve(await realpath(dirname(path)), await readlink(path)), links + 1);
}

/**
 * The same for an agent that runs on: whatever is done to the path after the start, only the file is written that it led to
 * then.
 * @throws Misconfigured as `targetOf` does, and if it now leads elsewhere
 */
export async function sameTargetOf({
  path,
  target,
}: {
  readonly path: string;
  readonly target?: string;
}): Promise<string> {
  const now = await targetOf(path);
  if (target === undefined || now === target) return now;
  const then = target === path ? "itself" : target;
  throw refuse(
    path,
    `it leads to ${now === path ? "itself" : now}, but led to ${then} when the agent started`,
    "Put back what was there, or, if this is meant, let the agent read its configuration again (SIGHUP).",
  );
}

/**
 * Whether something is mounted on this very path: a rename cannot replace it, and writing into it shows halves. Linux
 * lists its mounts. Only elsewhere is the device compared: on an overlay a file's can differ from its directory's.
 */
export async function isMountPoint(path: string): Promise<boolean> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => undefined);
  return mounts === undefined ? isOtherDevice(path) : isListed(path, mounts);
}

async function isListed(path: string, mounts: string): Promise<boolean> {
  const folder = await realpath(dirname(path)).catch(() => undefined);
  if (folder === undefined) return false;
  const real = join(folder, basename(path));
  return mounts.split("\n").some((line) => unescapeOctal(line.split(" ")[4] ?? "") === real);
}

async function isOtherDevice(path: string): Promise<boolean> {
  const [here, above] = await Promise.all([stat(path), stat(dirname(path))]).catch(() => []);
  return here !== undefined && above !== undefined && here.dev !== above.dev;
}

/** proc(5): space, tab, newline and backslash are octal in mountinfo. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function refuse(where: string, what: string, cure: string): Misconfigured {
  return new Misconfigured({ where, what, cure });
}
