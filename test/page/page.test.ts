import path from "node:path";
import axe from "axe-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { HOSTS, startAgent } from "../world/agent.ts";
import { type Chromium, startChromium, type Tab } from "../world/chromium.ts";
import { startConsul } from "../world/consul.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";
import { openSituation, type Situation } from "./situation.ts";

/** What users get, with its assets where the build has put them. */
const PROGRAM = path.join(checkout(), "dist", "cli.js");

let browser: Chromium;
let situation: Situation;

beforeAll(async () => {
  browser = await startChromium();
  situation = await openSituation(PROGRAM);
});
afterAll(async () => {
  await situation[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

test("shows state, endpoints, candidates, provenance and changes, and loads nothing from anywhere else", async () => {
  await using tab = await open();
  const { page, complaints, requests } = tab;
  expect(await page.title()).toBe("converged · jail1");
  await seen(tab, "headline", "everything that the sources ask for is in force");
  await seen(tab, "problems", "mastodon/settings/DBPORT");
  await seen(tab, "endpoints", "another instance carries the primary tag");
  await seen(tab, "flow", ".env.production");
  await seen(tab, "units", "streaming");
  await seen(tab, "keys", "secret.key");
  await seen(tab, "watches", "kv mastodon/");
  await page.locator("#settings summary", { hasText: "MAILPORT" }).click();
  await seen(tab, "settings", "mastodon/nodes/jail1/settings/MAILPORT");
  expect(await page.locator("#timeline .changes > li").count()).toBeGreaterThanOrEqual(5);
  expect(await page.locator("#timeline .mark").count()).toBe(
    await page.locator("#timeline .changes > li").count(),
  );
  expect(complaints).toEqual([]);
  expect([...new Set(requests.map((url) => new URL(url).origin))]).toEqual([situation.agent.url]);
});

test("a change appears on the page within a second of being in force, without disturbing the reader", async () => {
  await using tab = await open();
  const { page } = tab;
  const summary = page.locator("#settings summary", { hasText: "MAILHOST" });
  await summary.click();
  await situation.consul.put("mastodon/settings/MAILHOST", "smtp3.example.org");
  await until("the agent to have it", async () => {
    const { settings } = await situation.agent.status();
    return settings.find(({ name }) => name === "MAILHOST")?.values[0]?.value === "smtp3.example.org";
  });
  await page.locator("#settings", { hasText: "smtp3.example.org" }).waitFor({ timeout: 1000 });
  await page
    .locator("#timeline .changes > li", { hasText: "MAILHOST" })
    .filter({ hasText: "smtp3.example.org" })
    .waitFor({ state: "attached" });
  expect(await summary.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  expect(await page.locator("#settings details[open]").count()).toBe(1);
  expect(tab.complaints).toEqual([]);
});

test("a hold and its end are shown at once", async () => {
  await using tab = await open();
  await situation.consul.put("mastodon/control/hold", "moving the database, ask Kim");
  await seen(tab, "headline", "held by an operator: moving the database, ask Kim");
  await situation.consul.delete("mastodon/control/hold");
  await seen(tab, "headline", "everything that the sources ask for is in force");
});

test("what operators write is shown as text, whatever is in it", async () => {
  await using tab = await open();
  const nasty = `<img src=x onerror=alert(1)>"'&`;
  await situation.consul.put("mastodon/control/hold", nasty);
  await seen(tab, "headline", nasty);
  expect(await tab.page.locator("#headline img").count()).toBe(0);
  await situation.consul.delete("mastodon/control/hold");
  await seen(tab, "headline", "is in force");
  expect(tab.complaints).toEqual([]);
});

test("the filter and the zoom can be reached and used from the keyboard", async () => {
  await using tab = await open();
  const { page } = tab;
  await page.locator("#wanted").focus();
  await page.keyboard.type("SMTP_SERVER");
  await page.locator("#filter output", { hasText: /^1 of/ }).waitFor();
  expect(await page.locator(".setting:not([hidden])").count()).toBe(1);
  const before = await page.locator("#timeline .mark").first().getAttribute("x");
  await page.locator("#timeline .plot").focus();
  await page.keyboard.press("+");
  expect(await page.locator("#timeline .mark").first().getAttribute("x")).not.toBe(before);
  const reached = await tabbedThrough(tab, 60);
  expect(reached).toEqual(expect.arrayContaining(["wanted", "zoom", "timeline", "settings"]));
});

test("fits a phone without scrolling sideways", async () => {
  await using tab = await open({ viewport: { width: 360, height: 740 } });
  const widths = await tab.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
  const [content, screen] = z.tuple([z.number(), z.number()]).parse(widths);
  expect(content).toBeLessThanOrEqual(screen);
});

test.for(["light", "dark"] as const)("an accessibility checker finds nothing, %s", async (colorScheme) => {
  await using tab = await open({ colorScheme, bypassCSP: true });
  await tab.page.addScriptTag({ content: axe.source });
  const found = await tab.page.evaluate("axe.run().then(({ violations }) => violations)");
  const violations = z
    .array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }))
    .parse(found);
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
});

test("says that the agent is away, and goes on when it is back", async () => {
  await using consul = await startConsul();
  await using agent = await startAgent({ consul, environment: HOSTS, program: PROGRAM });
  await agent.converged();
  await using tab = await browser.open(agent.url);
  await agent.stop();
  await tab.page.locator("#connection:not([hidden])").waitFor();
  await agent.start();
  await agent.converged();
  await tab.page.locator("#connection[hidden]").waitFor({ state: "attached" });
  await consul.put("mastodon/settings/MAILPORT", "587");
  await seen(tab, "endpoints", "smtp.example.org:587");
});

test("can be read without JavaScript", async () => {
  await using tab = await open({ javaScriptEnabled: false });
  await seen(tab, "headline", "jail1 is converged");
  await seen(tab, "endpoints", "postgresql/pg1");
});

test("runs only its own scripts, and cannot be framed", async () => {
  const response = await fetch(situation.agent.url);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain("unsafe");
  expect(await response.text()).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/);
});

function open(options?: Parameters<Chromium["open"]>[1]): Promise<Tab> {
  return browser.open(situation.agent.url, options);
}

async function seen({ page }: Tab, section: string, text: string): Promise<void> {
  await page.locator(`#${section}`, { hasText: text }).waitFor({ timeout: 15_000 });
}

/** The ids of what is met on the way through the page by the tabulator key. */
async function tabbedThrough({ page }: Tab, steps: number): Promise<readonly string[]> {
  const ids = new Set<string>();
  await page.locator("body").focus();
  for (let step = 0; step < steps; step++) {
    await page.keyboard.press("Tab");
    ids.add(z.string().parse(await page.evaluate("document.activeElement?.closest('[id]')?.id ?? ''")));
    ids.add(
      z.string().parse(await page.evaluate("document.activeElement?.closest('div[data-digest]')?.id ?? ''")),
    );
  }
  return [...ids];
}
