import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { program } from "./programs.ts";

/** A page in a real browser, and what it did that a page of ours must not. */
export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** Whatever the browser complained about: errors of scripts, refusals by the security policy, failed requests. */
  readonly complaints: readonly string[];
  /** Every address that was asked for. */
  readonly requests: readonly string[];
}

export interface Chromium extends AsyncDisposable {
  /** Opens an address in a profile of its own. */
  open(url: string, options?: BrowserContextOptions): Promise<Tab>;
}

/** Starts Debian's Chromium without a window. */
export async function startChromium(): Promise<Chromium> {
  const browser = await chromium.launch({
    executablePath: program("chromium"),
    // The sandbox does not work for root, and needs rights that a container does not give.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return {
    open: async (url, options) => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const [complaints, requests]: [string[], string[]] = [[], []];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(url);
      return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
