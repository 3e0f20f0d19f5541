import { mkdir, readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import * as z from "zod";
import { checkout } from "../test/world/programs.ts";
import { plot } from "./plot.ts";
import { type Section, sectionSchema } from "./section.ts";

/**
 * Keeps what was measured beside the machine that it was measured on, and plots it. What was measured earlier on the
 * same day and not again stays.
 *
 * @returns the paths
 */
export async function keep(measured: readonly Section[], consul: string): Promise<readonly string[]> {
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cores: os.availableParallelism(), system: os.version(), node: process.version, consul };
  const folder = path.join(checkout(), "bench", "results");
  await mkdir(folder, { recursive: true });
  const [results, picture] = [
    path.join(folder, `${date}.json`),
    path.join(checkout(), "docs", "performance.svg"),
  ];
  const sections = merged(await earlier(results), measured);
  await writeFile(results, `${JSON.stringify({ date, machine, sections }, null, 2)}\n`);
  const about = `${date}, ${machine.cores} shared cores, Node ${machine.node}, Consul ${consul}`;
  await writeFile(picture, plot(sections, about));
  return [results, picture];
}

async function earlier(file: string): Promise<readonly Section[]> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  return z.object({ sections: z.array(sectionSchema).default([]) }).parse(JSON.parse(text)).sections;
}

function merged(before: readonly Section[], now: readonly Section[]): readonly Section[] {
  const isNew = (title: string) => !before.some((section) => section.title === title);
  const kept = before.map((section) => now.find(({ title }) => title === section.title) ?? section);
  return [...kept, ...now.filter(({ title }) => isNew(title))];
}
