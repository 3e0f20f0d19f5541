/** Somebody else's `.env.production`, as long as nothing has ever been applied. */
import { readFile } from "node:fs/promises";
import { digest } from "../base/digest.ts";
import { codeOf } from "../base/errors.ts";
import { parseAsRuby } from "../render/ruby-dotenv.ts";
import { linesToCarry } from "../settings/carried.ts";
import type { StateStore } from "../state/store.ts";
import { connectionsIn } from "./live-connections.ts";
import type { Memory } from "./memory.ts";

type Known = Pick<Memory, "targets" | "endpoints" | "carried">;

/** Remembers what it says. Until the first apply it may be edited at any time, and the newest text counts. */
export class LiveFile {
  readonly #file: string | undefined;
  readonly #store: StateStore<Memory>;
  #text: string | undefined;

  /** @param file `.env.production`; undefined if none is rendered */
  constructor(file: string | undefined, store: StateStore<Memory>) {
    this.#file = file;
    this.#store = store;
  }

  async look(): Promise<void> {
    const { applied, files } = this.#store.read();
    if (applied !== undefined) return;
    // One that may not be read is not replaced either, and the apply says why.
    const text = await readLive(this.#file).catch(() => "");
    const isOurs = files[this.#file ?? ""] === digest(text);
    if (text === this.#text || isOurs) return;
    this.#text = text;
    const live = saidIn(text, this.#file);
    // A state that cannot be written is reported by the next apply; it stays in memory.
    await this.#store.update((memory) => ({ ...memory, ...live })).catch(() => {});
  }
}

/** What the agent would remember of it at its first start. */
export async function liveMemory(file: string | undefined): Promise<Known> {
  return saidIn(await readLive(file), file);
}

/** The variables of a file as Rails reads them; none if it does not exist. */
export async function liveVariables(file: string): Promise<ReadonlyMap<string, string>> {
  return parseAsRuby(await readLive(file));
}

function saidIn(text: string, file = ""): Known {
  const variables = parseAsRuby(text);
  return { ...connectionsIn(variables, file, new Date()), carried: linesToCarry(variables) };
}

async function readLive(file: string | undefined): Promise<string> {
  if (file === undefined) return "";
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
