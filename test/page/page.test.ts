import { get } from "node:http";
import path from "node:path";
import axe from "axe-core";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { MANUAL } from "../../src/report/page/names.ts";
import { HOSTS, startAgent } from "../world/agent.ts";
import { type Chromium, startChromium, type Tab } from "../world/chromium.ts";
import { startConsul } from "../world/consul.ts";
import { checkout } from "../world/programs.ts";
import { until } from "../world/until.ts";
import { openSituation, type Situation } from "./situation.ts";

/** What users get, with its assets where the build has put them. */
const PROGRAM = path.join(checkout(), "dist", "cli.js");

const PHONE = { width: 360, height: 740 } as const;

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
  await seen(tab, "headline", "everything the sources ask for is in force");
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

test("what has not been checked has a mark of its own, on endpoints, units and in the legend", async () => {
  await using tab = await open();
  const { page } = tab;
  await page.locator("#endpoints .card.unchecked", { hasText: "postgres not checked" }).waitFor();
  await page.locator("#units .marked.unchecked", { hasText: "not checked" }).first().waitFor();
  expect(await textsOf(page.locator("#flow .box.unchecked b"))).toEqual([
    ...["postgres", "s3", "smtp", "sidekiq", "web", "streaming"],
  ]);
  await page.locator("#flow .legend", { hasText: "not checked" }).waitFor();
  const healthy = page.locator("#endpoints .card.ok", { hasText: "redis healthy" });
  await healthy.filter({ hasText: /healthy since .* UTC \(.*\); last checked .* UTC \(.*\)/ }).waitFor();
});

test("every moment has its time and how long ago it was", async () => {
  await using tab = await open();
  const moments = await textsOf(tab.page.locator("main .moment, header > :not([hidden]) .moment"));
  expect(moments.length).toBeGreaterThan(20);
  const shape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \((just now|\d+ (s|min) ago)\)$/;
  expect(moments.filter((text) => !shape.test(text))).toEqual([]);
});

test("an instance is shown with each check that speaks against it, and what that printed", async () => {
  await using tab = await open();
  const check = tab.page.locator("#endpoints .checks li", { hasText: "connection refused by <redis>" });
  await check.filter({ hasText: /check Service 'redis' check is critical/ }).waitFor();
});

test("a problem says what it is about, and leads to the text about its code", async () => {
  await using tab = await open();
  const { page } = tab;
  await page.locator("#flow .box.bad", { hasText: "1 refused" }).waitFor();
  const problem = page.locator("#problems li", { hasText: "about mastodon/settings/DBPORT" });
  await problem.locator("a", { hasText: "input_refused" }).click();
  await page.locator("h3#input_refused:target").waitFor();
  expect(await page.title()).toBe("Problems: what each means and what to do");
  await page.getByRole("link", { name: "Status of this node" }).click();
  await seen(tab, "headline", "jail1 is converged");
  expect(tab.complaints).toEqual([]);
});

test("a hold and its end are shown at once, with what waits and the text that explains it", async () => {
  await using tab = await open();
  await situation.consul.put("mastodon/control/hold", "moving the database, ask Kim");
  await seen(tab, "headline", "on hold: moving the database, ask Kim");
  await seen(tab, "problems", "To end the hold: consul kv delete mastodon/control/hold");
  await situation.consul.put("mastodon/settings/MAILPORT", "2525");
  await situation.consul.delete("mastodon/nodes/jail1/settings/MAILPORT");
  await seen(
    tab,
    "timeline",
    /Next: MAILPORT .*; it is waiting for the end of the hold "moving the database, ask Kim"/,
  );
  await tab.page.locator("#problems").getByRole("link", { name: "hold", exact: true }).click();
  await tab.page.locator("h3:target", { hasText: /^hold$/ }).waitFor();
  await tab.page.goBack();
  await situation.consul.delete("mastodon/control/hold");
  await seen(tab, "headline", "everything the sources ask for is in force");
  await seen(tab, "timeline", "Hold ended: moving the database, ask Kim");
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

test("the links at the top lead to every section, by the keyboard and on a phone too", async () => {
  await using tab = await open({ viewport: PHONE });
  const { page } = tab;
  const links = page.getByRole("navigation", { name: "On this page" }).getByRole("link");
  expect(await textsOf(links)).toEqual(await textsOf(page.locator("main h2")));
  await links.filter({ hasText: "Certificates" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("h2:target", { hasText: "Certificates" }).waitFor();
  const place = await page.evaluate("document.querySelector('h2:target')?.getBoundingClientRect().top");
  const top = z.number().parse(place);
  expect([top >= 0, top < PHONE.height]).toEqual([true, true]);
});

test.for([PHONE, { width: 1000, height: 740 }])(
  "fits $width pixels without scrolling sideways, with each page of the manual",
  async (viewport) => {
    await using tab = await open({ viewport });
    const tooWide = [];
    for (const place of ["/", ...MANUAL.map((name) => `/docs/${name}`)]) {
      expect((await tab.page.goto(situation.agent.url + place))?.status()).toBe(200);
      const widths = await tab.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
      const [content, screen] = z.tuple([z.number(), z.number()]).parse(widths);
      if (content > screen) tooWide.push(place);
    }
    expect(tooWide).toEqual([]);
    expect(tab.complaints).toEqual([]);
  },
);

test.for([
  ["/", "light"],
  ["/", "dark"],
  ["/docs/problems", "light"],
  ["/docs/commands", "dark"],
] as const)("an accessibility checker finds nothing, %s %s", async ([place, colorScheme]) => {
  await using tab = await open({ colorScheme, bypassCSP: true });
  await tab.page.goto(situation.agent.url + place);
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
  const [icon, colour] = await lookOf(tab);
  await agent.stop();
  await tab.page.locator("#connection:not([hidden])", { hasText: /has not answered since .* UTC/ }).waitFor();
  expect(await tab.page.title()).toBe("agent away · jail1");
  await seen(tab, "headline", "jail1 was converged");
  const [greyIcon, grey] = await lookOf(tab);
  expect([greyIcon === icon, grey === colour]).toEqual([false, false]);
  await agent.start();
  await agent.converged();
  await tab.page.locator("#connection[hidden]").waitFor({ state: "attached" });
  await seen(tab, "headline", "jail1 is converged");
  expect(await tab.page.title()).toBe("converged · jail1");
  expect(await lookOf(tab)).toEqual([icon, colour]);
  await consul.put("mastodon/settings/MAILPORT", "587");
  await seen(tab, "endpoints", "smtp.example.org:587");
});

test("a command in a problem is whole, and copied by its button; without a script it can be selected", async () => {
  await using consul = await startConsul();
  const { DBHOST: _, ...hosts } = HOSTS;
  await using agent = await startAgent({ consul, environment: hosts, program: PROGRAM });
  await until("the problem", async () => (await agent.status()).problems.length > 0);
  const command = "consul kv put mastodon/settings/DBHOST 10.0.0.20";
  const permissions = ["clipboard-read", "clipboard-write"];
  await using tab = await browser.open(agent.url, { permissions, viewport: PHONE });
  const shown = tab.page.locator("#problems .command", { has: tab.page.getByText(command, { exact: true }) });
  await shown.getByRole("button", { name: `Copy ${command}` }).focus();
  await tab.page.keyboard.press("Enter");
  await tab.page
    .getByRole("status")
    .filter({ hasText: `Copied: ${command}` })
    .waitFor({ state: "attached" });
  expect(await tab.page.evaluate("navigator.clipboard.readText()")).toBe(command);
  expect(tab.complaints).toEqual([]);

  await using still = await browser.open(agent.url, { javaScriptEnabled: false });
  await still.page.locator("#problems .command code", { hasText: command }).click();
  expect(await still.page.locator("#problems .copy:visible").count()).toBe(0);
});

test("can be read without JavaScript", async () => {
  await using tab = await open({ javaScriptEnabled: false });
  await seen(tab, "headline", "jail1 is converged");
  await seen(tab, "endpoints", "postgresql/pg1");
});

test("no path is made of a request", async () => {
  const places = [
    "/docs/problems.md",
    "/docs/../package.json",
    "/docs/%2e%2e/package",
    "/docs/",
    "/docs/none",
  ];
  const answers = places.map(async (place) => [place, await statusOf(place)]);
  expect(await Promise.all(answers)).toEqual(places.map((place) => [place, 404]));
});

test("runs only its own scripts, and cannot be framed", async () => {
  const response = await fetch(situation.agent.url);
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain("unsafe");
  expect(await response.text()).not.toMatch(/<script(?![^>]*\bsrc=)|<[^>]*\s(on\w+|style)=/);
});

function open(options?: Parameters<Chromium["open"]>[1]): Promise<Tab> {
  return browser.open(situation.agent.url, options);
}

async function seen({ page }: Tab, section: string, text: string | RegExp): Promise<void> {
  await page.locator(`#${section}`, { hasText: text }).waitFor({ timeout: 15_000 });
}

/** The path is sent as it is, which fetch() would not do. */
async function statusOf(place: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  get(situation.agent.url, { path: place }, ({ statusCode }) => resolve(statusCode)).on("error", reject);
  return promise;
}

async function textsOf(locator: Locator): Promise<readonly string[]> {
  return (await locator.allTextContents()).map((text) => text.trim());
}

/** The icon of the tab, and the colour of the headline. */
async function lookOf({ page }: Tab): Promise<readonly [string | null, string]> {
  const icon = await page.locator("link[rel=icon]").getAttribute("href");
  const colour = await page.evaluate("getComputedStyle(document.querySelector('#headline strong')).color");
  return [icon, z.string().parse(colour)];
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
