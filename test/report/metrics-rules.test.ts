import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { promtool } from "../world/prometheus.ts";

const RULES = "packaging/prometheus/alerts.yml";
const TESTS = "packaging/prometheus/alerts.test.yml";

test("the alert rules are valid, and fire when they should and only then", async () => {
  expect(await promtool(["check", "rules", RULES])).toMatch(/SUCCESS: \d+ rules found/);
  expect(await promtool(["test", "rules", TESTS])).toMatch(/SUCCESS/);
});

test("each alert says what is wrong, what it means and what to do, and has a test", async () => {
  const { groups } = rules.parse(parse(await readFile(RULES, "utf8")));
  const alerts = groups.flatMap((group) => group.rules);
  expect(alerts.length).toBeGreaterThan(10);
  const tested = await readFile(TESTS, "utf8");
  expect(
    alerts.map(({ alert }) => alert).filter((alert) => !tested.includes(`alertname: ${alert}\n`)),
  ).toEqual([]);
});

const text = z.string().min(1);
const rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: text,
          labels: z.object({ severity: z.enum(["critical", "warning"]) }),
          annotations: z.object({ summary: text, description: text, action: text }),
        }),
      ),
    }),
  ),
});
