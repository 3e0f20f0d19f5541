import path from "node:path";
import type { KeyFileName } from "./names.ts";

/** Where the keys of this node are. */
export interface KeyStorage {
  readonly directory: string;
  /** A directory at which, or between which and `directory`, something must be mounted; "" switches that off. */
  readonly requireMount: string;
  /** The `.env.production` that Mastodon runs with; its keys are right whatever the files say. */
  readonly liveEnvFile: string | undefined;
}

export function keyPath(storage: KeyStorage, name: KeyFileName): string {
  return path.join(storage.directory, name);
}

/** The key while it is being created: complete, but not yet pinned. */
export function startedPath(storage: KeyStorage, name: KeyFileName): string {
  return path.join(storage.directory, `.${name}.new`);
}

/** The copy of the rendered file that the configure-once scripts kept beside the keys. */
export function backupEnvPath(storage: KeyStorage): string {
  return path.join(storage.directory, "backup.env.production");
}
