import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";

/** A text that must not be seen anywhere. */
export interface Hidden {
  readonly name: string;
  readonly text: string;
}

/** Which of them are in a text: plain, or as a URL, JSON or base64 has them. */
export function leaksIn(text: string, hidden: readonly Hidden[]): readonly string[] {
  return hidden.flatMap((each) =>
    formsOf(each.text)
      .filter(([, form]) => text.includes(form))
      .map(([kind]) => `${each.name} (${kind})`),
  );
}

function formsOf(text: string): readonly (readonly [string, string])[] {
  const json = JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(text);
  return [
    ["plain", text],
    ...(json === text ? [] : [["JSON", json] as const]),
    ...(url === text ? [] : [["URL", url] as const]),
    ["base64", Buffer.from(text).toString("base64").replace(/=+$/, "")],
    ["base64url", Buffer.from(text).toString("base64url")],
  ];
}

/** Every argv that is seen on this machine until it goes out of scope. */
export interface ArgvSpy extends AsyncDisposable {
  readonly seen: ReadonlySet<string>;
}

export function watchArgv(): ArgvSpy {
  const seen = new Set<string>();
  const end = new AbortController();
  const watching = (async () => {
    while (!end.signal.aborted) {
      for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name))) {
        const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
        if (argv !== "") seen.add(argv.replaceAll("\0", " "));
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await watching;
    },
  };
}

export interface FoundFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** Every plain file below a folder. */
export async function filesBelow(folder: string): Promise<readonly FoundFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) => {
      // Some are gone by now.
      const status = await stat(file).catch(() => undefined);
      const content = await readFile(file, "utf8").catch(() => "");
      return status && { path: path.relative(folder, file), mode: status.mode & 0o777, content };
    }),
  );
  return found.filter((file) => file !== undefined);
}
