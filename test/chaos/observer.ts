import { readFile, stat } from "node:fs/promises";
import { parse } from "dotenv";
import { pause } from "./moves.ts";

/** Reads `.env.production` without a rest, as Mastodon might at any moment, and remembers what it should never see. */
export interface Observer extends AsyncDisposable {
  readonly seen: () => number;
  /** Each kind of trouble once. */
  readonly troubles: () => readonly string[];
}

export interface Lawful {
  readonly envFile: string;
  /** What it said when all was well. */
  readonly atFirst: Readonly<Record<string, string>>;
  /** `host:port` that a source ever offered. */
  readonly databases: readonly string[];
  readonly caches: readonly string[];
}

const POLL_MS = 15;
const KEYS =
  /^(SECRET_KEY_BASE|OTP_SECRET|VAPID_|ACTIVE_RECORD_ENCRYPTION_|LOCAL_DOMAIN$|DB_USER$|DB_NAME$|DB_PASS$)/;

export function observe(lawful: Lawful): Observer {
  const end = new AbortController();
  const troubles = new Set<string>();
  let seen = 0;
  const watching = (async () => {
    while (!end.signal.aborted) {
      for (const trouble of await look(lawful)) troubles.add(trouble);
      seen += 1;
      await pause(POLL_MS);
    }
  })();
  return {
    seen: () => seen,
    troubles: () => [...troubles],
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await watching;
    },
  };
}

async function look({ envFile, atFirst, databases, caches }: Lawful): Promise<readonly string[]> {
  try {
    const variables = parse(await readFile(envFile, "utf8"));
    const mode = (await stat(envFile)).mode & 0o777;
    return [
      ...(mode === 0o640 ? [] : [`.env.production had the mode ${mode.toString(8)}`]),
      ...Object.keys(atFirst)
        .filter((name) => KEYS.test(name) && variables[name] !== atFirst[name])
        .map((name) => `${name} was not what it was at first`),
      ...Object.keys(atFirst)
        .filter((name) => variables[name] === undefined || variables[name] === "")
        .map((name) => `${name} was missing or empty`),
      ...notAmong(databases, `${variables["DB_HOST"]}:${variables["DB_PORT"]}`),
      ...notAmong(caches, `${variables["REDIS_HOST"]}:${variables["REDIS_PORT"]}`),
    ];
  } catch (error) {
    return [`.env.production could not be read: ${error instanceof Error ? error.message : error}`];
  }
}

function notAmong(offered: readonly string[], endpoint: string): readonly string[] {
  return offered.includes(endpoint) ? [] : [`${endpoint} was offered by nobody`];
}
