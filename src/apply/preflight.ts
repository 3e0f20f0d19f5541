/** What would prevent a file from being written, found before anything is touched. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Complaint, codeOf, isAgentError, messageOf } from "../base/errors.ts";
import type { FileSpec } from "./config.ts";
import { permissionsOf } from "./ownership.ts";
import { placeOf } from "./place.ts";
import { isMountPoint, targetOf } from "./target.ts";

/** One complaint for each file that cannot be written as its entry says. Nothing is changed on disk. */
export async function preflight(specs: readonly FileSpec[]): Promise<readonly Complaint[]> {
  const found = await Promise.all(specs.map(complaintAbout));
  return found.filter((complaint) => complaint !== undefined);
}

async function complaintAbout(spec: FileSpec): Promise<Complaint | undefined> {
  try {
    const target = await targetOf(spec.path);
    return (await aboutPlace(spec, target)) ?? (await aboutOwner(spec)) ?? (await aboutReading(spec));
  } catch (error) {
    if (isAgentError(error)) return error.complaint;
    return {
      where: spec.path,
      what: `it cannot be accessed (${messageOf(error)})`,
      cure: "Give the agent's user access to its directories.",
    };
  }
}

async function aboutPlace({ path }: FileSpec, target: string): Promise<Complaint | undefined> {
  const directory = dirname(target);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    return {
      where: path,
      what: `the directory ${directory} does not exist`,
      cure: "Create it, or give the file another path in the configuration.",
    };
  }
  if (await isMountPoint(target)) {
    return {
      where: path,
      what: "the file itself is a mount, so it cannot be replaced in one step",
      cure: "Mount the directory that holds it, or give the file another path and link to it.",
    };
  }
  const code = await access(directory, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  if (code === undefined) return undefined;
  return {
    where: path,
    what: `the agent may not write in ${directory} (${code})`,
    cure: `Let user id ${process.geteuid?.()} write there (a new file is written next to the old one and replaces it), or run the agent as another user.`,
  };
}

/** Only root gives files away; a file may always be given to one of one's own groups. */
async function aboutOwner(spec: FileSpec): Promise<Complaint | undefined> {
  const { uid, gid } = await permissionsOf(spec);
  const me = process.geteuid?.();
  if (me === 0) return undefined;
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  const foreignUser = uid !== undefined && uid !== me;
  if (!foreignUser && (gid === undefined || groups.includes(gid))) return undefined;
  return {
    where: spec.path,
    what: `user id ${me} may not give a file to ${foreignUser ? `user ${spec.owner}` : `group ${spec.group}`}`,
    cure: "Run the agent as that user (or as root), or name another owner and group in the configuration.",
  };
}

async function aboutReading(spec: FileSpec): Promise<Complaint | undefined> {
  const error = await placeOf(spec).then(() => undefined, messageOf);
  if (error === undefined) return undefined;
  return {
    where: spec.path,
    what: `the agent may not read the existing file (${error})`,
    cure: "Give it to the agent's user or one of its groups: it is compared before it is replaced.",
  };
}
