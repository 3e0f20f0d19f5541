import * as z from "zod";
import { configSchema } from "./schema.ts";

/** The keys that the configuration file may have at a path, to suggest one for a misspelt key. */
export function knownKeys(path: readonly string[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const step of path) schema = below(unwrap(schema), step);
  return keysOf(unwrap(schema));
}

/** For a choice of groups, those of all groups. */
function keysOf(group: unknown): readonly string[] {
  if (group instanceof z.ZodObject) return Object.keys(group.shape);
  if (group instanceof z.ZodUnion) return [...new Set(group.options.flatMap(keysOf))];
  const names = group instanceof z.ZodRecord ? group.keyType : undefined;
  return names instanceof z.ZodEnum ? names.options.map(String) : [];
}

function below(schema: unknown, step: string): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[step];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

function unwrap(schema: unknown): unknown {
  const isWrapper =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional;
  return isWrapper ? unwrap(schema.unwrap()) : schema;
}
