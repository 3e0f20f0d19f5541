import { digest } from "../../base/digest.ts";
import type { Change } from "../change.ts";
import type { Views } from "../http.ts";
import type { Status } from "../status.ts";
import { certificates } from "./certificates.ts";
import { endpoints } from "./endpoints.ts";
import { flow } from "./flow.ts";
import { about, headline } from "./headline.ts";
import type { Html } from "./html.ts";
import { keys } from "./keys.ts";
import { problems } from "./problems.ts";
import { settings } from "./settings.ts";
import { timeline } from "./timeline.ts";
import { units } from "./units.ts";
import { watches } from "./watches.ts";

/** The parts of the page that are replaced on their own, by the id of their element. Pure: same status, same text. */
const SECTIONS = {
  headline,
  about,
  problems,
  flow,
  endpoints,
  units,
  timeline: (_status, changes) => timeline(changes),
  settings,
  keys,
  certificates,
  watches,
} as const satisfies Readonly<Record<string, (status: Status, changes: readonly Change[]) => Html>>;

export type SectionName = keyof typeof SECTIONS;

export interface Section {
  readonly id: string;
  readonly html: Html;
  /** Short; a different text has a different digest. */
  readonly digest: string;
}

const DIGEST_CHARACTERS = 16;

/** Renders everything there is to see. The journal is only read again after a change. */
export class Sections {
  readonly #views: Views;
  #changes: readonly Change[] = [];

  constructor(views: Views) {
    this.#views = views;
  }

  async now(): Promise<readonly Section[]> {
    const status = this.#views.status();
    // A repeated failure is the last change without being recorded again: then this reads in vain.
    if (this.#changes.at(-1)?.at !== status.last_change?.at) this.#changes = await this.#views.changes();
    return Object.entries(SECTIONS).map(([id, render]) => {
      const html = render(status, this.#changes);
      return { id, html, digest: digest(html.text).slice(0, DIGEST_CHARACTERS) };
    });
  }
}
