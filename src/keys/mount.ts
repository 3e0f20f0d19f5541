/** Whether the keys are on the persistent storage, or in the empty place where it should have been mounted. */
import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type Complaint, codeOf } from "../base/errors.ts";
import type { KeyStorage } from "./storage.ts";

/** Complains unless a directory from `requireMount` down to the keys is a mount point. */
export async function mountComplaint({
  directory,
  requireMount,
}: KeyStorage): Promise<Complaint | undefined> {
  if (requireMount === "") return undefined;
  const complaint = (what: string): Complaint => ({ what, where: directory, cure: CURE });
  const top = await real(requireMount);
  if (top === undefined) return complaint(`${requireMount}, where it should be mounted, does not exist`);
  const directories = chain(await nearestExisting(directory), top);
  if (directories === undefined) return complaint(`it is not below ${requireMount}`);
  const listed = await listedMountPoints();
  for (const candidate of directories) {
    if (listed.has(candidate) || (await isOtherDevice(candidate))) return undefined;
  }
  return complaint(`it is not on persistent storage: nothing is mounted at or below ${requireMount}`);
}

/** The directories from `bottom` up to `top`; undefined if one is not below the other. */
function chain(bottom: string, top: string): readonly string[] | undefined {
  if (bottom === top) return [top];
  const parent = path.dirname(bottom);
  const above = parent === bottom ? undefined : chain(parent, top);
  return above && [bottom, ...above];
}

/** With symbolic links resolved: a link from the mount to elsewhere is elsewhere. */
async function nearestExisting(directory: string): Promise<string> {
  const parent = path.dirname(directory);
  return (await real(directory)) ?? (parent === directory ? directory : nearestExisting(parent));
}

async function real(file: string): Promise<string | undefined> {
  try {
    return await realpath(file);
  } catch (error) {
    // EACCES: a directory that cannot be entered is as good as none.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

async function isOtherDevice(directory: string): Promise<boolean> {
  const [own, parent] = await Promise.all([stat(directory), stat(path.dirname(directory))]);
  return own.dev !== parent.dev;
}

async function listedMountPoints(): Promise<ReadonlySet<string>> {
  try {
    return mountPointsIn(await readFile("/proc/self/mountinfo", "utf8"));
  } catch {
    return new Set();
  }
}

/**
 * The mount points in Linux's mountinfo (proc(5), field 5): a bind mount has the device number of its source and is
 * visible only there.
 */
export function mountPointsIn(mountinfo: string): ReadonlySet<string> {
  return new Set(mountinfo.split("\n").map((line) => unescapeOctal(line.split(" ")[4] ?? "")));
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

const CURE =
  'Mount the storage and start again, or name another place in keys.require_mount ("" switches this check off). Keys created anywhere else are lost with the jail.';
