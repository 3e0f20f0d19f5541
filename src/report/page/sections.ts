import { digest } from "../../base/digest.ts";
import type { Views } from "../http.ts";
import type { JournalEntry } from "../journal-entry.ts";
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
  timeline,
  settings,
  keys,
  certificates,
  watches,
} as const satisfies Readonly<Record<string, (status: Status, journal: readonly JournalEntry[]) => Html>>;

export type SectionName = keyof typeof SECTIONS;

export interface Section {
  readonly id: string;
  readonly html: Html;
  /** Short; a different text has a different digest. */
  readonly digest: string;
}

const DIGEST_CHARACTERS = 16;

/** Renders everything there is to see. The journal is only read again if there is something new in it. */
export class Sections {
  readonly #views: Views;
  #journal: readonly JournalEntry[] = [];
  #newest: string | undefined;

  constructor(views: Views) {
    this.#views = views;
  }

  async now(): Promise<readonly Section[]> {
    const status = this.#views.status();
    // A repeated failure is the last change but is not recorded again: then this finds nothing.
    const newest = `${status.last_change?.at} ${status.hold_since}`;
    if (newest !== this.#newest) this.#journal = await this.#views.journal();
    this.#newest = newest;
    return Object.entries(SECTIONS).map(([id, render]) => {
      const html = render(status, this.#journal);
      return { id, html, digest: digest(html.text).slice(0, DIGEST_CHARACTERS) };
    });
  }
}
