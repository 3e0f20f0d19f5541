/** `npm run screenshot`: the status page of a really running agent, light and dark, for the documentation. */
import path from "node:path";
import { startChromium } from "../world/chromium.ts";
import { checkout } from "../world/programs.ts";
import { openSituation } from "./situation.ts";

/** Down to the time line; more would make the pictures heavier than a page wants to load. */
const SIZE = { width: 1180, height: 2480 };

await using situation = await openSituation(path.join(checkout(), "dist", "cli.js"));
// The primary is gone, and nobody has taken over yet: this is what the night looks like.
await situation.losePrimary();
await using browser = await startChromium();
for (const colorScheme of ["light", "dark"] as const) {
  await using tab = await browser.open(situation.agent.url, { colorScheme, viewport: SIZE });
  await tab.page.locator(".ago:not(:empty)").first().waitFor();
  const name = colorScheme === "light" ? "status-page.png" : "status-page-dark.png";
  await tab.page.screenshot({ path: path.join(checkout(), "docs", name) });
}
