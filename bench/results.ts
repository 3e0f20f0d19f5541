import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { checkout } from "../test/world/programs.ts";
import { plot } from "./plot.ts";
import type { Section } from "./section.ts";

/** Keeps what was measured beside the machine that it was measured on, and plots it. @returns the paths */
export async function keep(sections: readonly Section[], consul: string): Promise<readonly string[]> {
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cores: os.availableParallelism(), system: os.version(), node: process.version, consul };
  const folder = path.join(checkout(), "bench", "results");
  await mkdir(folder, { recursive: true });
  const [results, picture] = [
    path.join(folder, `${date}.json`),
    path.join(checkout(), "docs", "performance.svg"),
  ];
  await writeFile(results, `${JSON.stringify({ date, machine, sections }, null, 2)}\n`);
  const about = `${date}, ${machine.cores} shared cores, Node ${machine.node}, Consul ${consul}`;
  await writeFile(picture, plot(sections, about));
  return [results, picture];
}
