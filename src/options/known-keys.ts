import * as z from "zod";
import { configSchema } from "./schema.ts";

/** The keys that the configuration file may have at a path, to suggest one for a misspelt key. */
export function knownKeys(path: readonly string[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const step of path) schema = below(unwrap(schema), step);
  const group = unwrap(schema);
  return group instanceof z.ZodObject ? Object.keys(group.shape) : [];
}

function below(schema: unknown, step: string): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[step];
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

function unwrap(schema: unknown): unknown {
  const isWrapper =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return isWrapper ? unwrap(schema.unwrap()) : schema;
}
