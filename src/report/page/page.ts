/** The status page, for people: loaded at the first request for it, so an agent nobody looks at does not carry it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Views } from "../http.ts";
import type { Reply, Stream } from "../reply.ts";
import type { ManualName } from "./names.ts";
import { Sections } from "./sections.ts";
import { documentOf } from "./shell.ts";
import { Streams } from "./streams.ts";

export interface Page {
  readonly document: () => Promise<Reply>;
  /** One of `ASSETS` by its name. */
  readonly asset: (name: string) => Promise<Reply>;
  readonly manual: (name: ManualName) => Promise<Reply>;
  /** Sends each section that has changed, until the connection ends. */
  readonly events: () => Reply | Stream;
}

export function openPage(views: Views): Page {
  const sections = new Sections(views);
  const streams = new Streams(views, sections);
  return {
    document: async () => ({
      code: 200,
      type: "text/html; charset=utf-8",
      body: documentOf(views.status(), await sections.now(), new Date()),
      headers: HEADERS,
    }),
    asset: async (name) => {
      const type = name.endsWith(".css") ? "text/css" : "text/javascript";
      return { code: 200, type: `${type}; charset=utf-8`, body: await readFile(join(FOLDER, name), "utf8") };
    },
    manual: async (name) => {
      const { manualPage } = await import("./manual.ts");
      return { ...(await manualPage(name)), headers: HEADERS };
    },
    events: () => (streams.isFull ? TOO_MANY : { stream: (response) => streams.add(response) }),
  };
}

/** Beside this module in the sources, and beside the chunk it is bundled into. */
const FOLDER = join(import.meta.dirname, "assets");

/** Nothing from elsewhere, nothing inline, no form, no framing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = { "content-security-policy": POLICY, "referrer-policy": "no-referrer" };

const TOO_MANY: Reply = {
  code: 503,
  type: "text/plain; charset=utf-8",
  body: "too many open pages: close one\n",
  headers: { "retry-after": "10" },
};
