import * as z from "zod";
import { configSchema } from "./schema.ts";

/** The configuration file's JSON Schema, for editors. Every key may be left out: the profile provides it. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(configSchema.partial(), {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => optional(jsonSchema),
  });
}

function optional(schema: { required?: unknown; title?: unknown }): void {
  if (schema.required !== undefined) delete schema.required;
}
