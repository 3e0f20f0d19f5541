import * as z from "zod";
import { nearest } from "../base/nearest.ts";
import { whyNotOwn } from "../settings/own-variables.ts";
import { typeNamed } from "../settings/slot.ts";
import { READERS } from "../settings/variable.ts";
import { MACHINE_VARIABLES } from "../settings/variables.ts";

const own = z.strictObject({
  secret: z.boolean().default(false).describe("whether its value must not be shown"),
  units: z.array(z.enum(READERS)).min(1).prefault(READERS.slice()).describe("which units read it"),
});

type Given = Readonly<Record<string, string | z.output<typeof own>>>;

/** Of Mastodon's own variables what belongs to this machine, with its value; of a fork's the name alone. */
export const variablesSchema = z
  .record(z.string(), z.union([z.string(), own]))
  .superRefine((given: Given, context) => {
    for (const [name, value] of Object.entries(given)) {
      const message = typeof value === "string" ? faultOfPath(name, value) : whyNotOwn(name);
      if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
    }
  })
  .describe(
    "Mastodon's variables that are paths on this machine, and the names of variables that only your Mastodon knows",
  );

function faultOfPath(name: string, value: string): string | undefined {
  const { accept, expected } = typeNamed(name);
  if (MACHINE_VARIABLES.includes(name))
    return accept(value) === undefined ? `must be ${expected}` : undefined;
  const meant = nearest(name, MACHINE_VARIABLES);
  return `no path that Mastodon knows${meant === undefined ? "" : ` (did you mean ${meant}?)`}: a variable of your own is written as { secret: false, units: [web, sidekiq] }, and its value is put into Consul as env/${name}`;
}
