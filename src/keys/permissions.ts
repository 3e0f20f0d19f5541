import { stat } from "node:fs/promises";
import { type Complaint, codeOf } from "../base/errors.ts";
import { KEY_FILES } from "./files.ts";
import { type KeyStorage, keyPath } from "./storage.ts";

/**
 * Complains about what anyone but the owner may read or change. It is no reason to refuse, nor to change the mode
 * unasked: in many jails the keys have been like this for years, and another program may depend on it.
 */
export async function tooOpen(storage: KeyStorage): Promise<readonly Complaint[]> {
  const places = [
    { where: storage.directory, wanted: 0o700 },
    ...KEY_FILES.map(({ name }) => ({ where: keyPath(storage, name), wanted: 0o600 })),
  ];
  const complaints = await Promise.all(
    places.map(async ({ where, wanted }) => {
      const mode = await permissionBits(where);
      if (mode === undefined || (mode & 0o077) === 0) return [];
      const what = `its mode is ${octal(mode)}: others besides its owner have access to the keys`;
      return [
        { what, where, cure: `\`chmod ${octal(wanted)} ${where}\`, with the agent's user as the owner.` },
      ];
    }),
  );
  return complaints.flat();
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

async function permissionBits(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode & 0o777;
  } catch (error) {
    // What may not even be examined is complained about elsewhere.
    if (["ENOENT", "EACCES"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
