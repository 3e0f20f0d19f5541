import { statSync } from "node:fs";
import path from "node:path";
import { denied, ownName } from "../base/access.ts";
import { type Complaint, codeOf } from "../base/errors.ts";

/**
 * A key file, or the live file, that this process may not read. The cure depends on whether the agent's user is the one
 * kept out, and that is known only if the folder is theirs: then somebody else put the file there.
 */
export function unreadable(file: string, doing?: string): Complaint {
  const { where, what, cure } = denied(file, doing);
  const me = process.geteuid?.();
  const handOver = `\`chown ${ownName()}: ${where}\``;
  if (ownerOf(where) === me) return { where, what, cure: `Give its owner access: \`chmod u+rX ${where}\`` };
  if (ownerOf(path.dirname(where)) === me) return { where, what, cure: `As root: ${handOver}` };
  return {
    where,
    what,
    cure: `${cure} If the agent runs as ${ownName()}, give it to that user, as root: ${handOver}`,
  };
}

export function isDenied(error: unknown): boolean {
  return codeOf(error) === "EACCES";
}

function ownerOf(file: string): number | undefined {
  try {
    return statSync(file).uid;
  } catch {
    return undefined;
  }
}
