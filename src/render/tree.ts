/** What templates see. Settings, paths and lists are converted to this form before anything is rendered. */
import { Secret } from "../base/secret.ts";

/** Undefined is a known name without a value: `{{#if}}` may test it, but it may not be printed. */
export type Value = string | Secret | undefined;
export type List = readonly Tree[];
export type Group = { readonly [name: string]: Tree };
export type Tree = Value | List | Group;
export type RenderInput = Group;

export function isList(tree: Tree): tree is List {
  return Array.isArray(tree);
}

export function isGroup(tree: Tree): tree is Group {
  return typeof tree === "object" && !(tree instanceof Secret) && !isList(tree);
}

export function isValue(tree: Tree): tree is Value {
  return !isList(tree) && !isGroup(tree);
}
