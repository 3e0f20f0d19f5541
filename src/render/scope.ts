/** Finds a template's names in its input. Only what was put there is found; nothing is inherited or made up. */
import { Misconfigured } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { type Path, placeIn } from "./parse.ts";
import { type Group, isGroup, isValue, type RenderInput, type Tree, type Value } from "./tree.ts";

/** Where names are looked up: the input itself, or one item inside `each` or `with`. */
export interface Scope {
  readonly found: Found;
  readonly outer: Scope | undefined;
  /** `@index`, `@key`, `@first`, `@last`: the last two are set or not, like values. */
  readonly data: Group;
}

export interface Found {
  readonly tree: Tree;
  /** The full name, for messages. A list item is identified by its `name`, else by its number from 1. */
  readonly label: string;
}

export function rootScope(input: RenderInput): Scope {
  return { found: { tree: input, label: "" }, outer: undefined, data: {} };
}

export function innerScope(found: Found, outer: Scope, data: Group = outer.data): Scope {
  return { found, outer, data };
}

/** One scope for each item, in order. */
export function itemScopes({ tree, label }: Found, outer: Scope): readonly Scope[] {
  const items = isValue(tree) ? [] : Object.entries<Tree>(tree);
  return items.map(([key, item], index) => {
    const name = isGroup(tree) ? key : (nameOf(item) ?? String(index + 1));
    return innerScope({ tree: item, label: `${label}.${name}` }, outer, {
      key,
      index: String(index),
      first: flag(index === 0),
      last: flag(index === items.length - 1),
    });
  });
}

/** @throws Misconfigured for an unknown name, with the nearest known one. */
export function find(template: string, path: Path, scope: Scope): Found {
  const start = beginning(path, scope);
  let found = start.found;
  for (const part of start.parts) {
    if (!isGroup(found.tree) || !Object.hasOwn(found.tree, part)) {
      throw new Misconfigured({
        what: `unknown name "${path.written}"`,
        ...placeIn(template, path.line),
        cure: cureFor(part, found, scope),
      });
    }
    found = { tree: found.tree[part], label: found.label === "" ? part : `${found.label}.${part}` };
  }
  return found;
}

function beginning(path: Path, scope: Scope): { found: Found; parts: readonly string[] } {
  const { found, outer, data } = climb(scope, path.up);
  if (!path.data) return { found, parts: path.parts };
  if (path.parts[0] !== "root") return { found: { tree: data, label: "" }, parts: path.parts };
  return { found: root(outer) ?? found, parts: path.parts.slice(1) };
}

/** `../` beyond the outermost scope stays there, where the name is then unknown or not. */
function climb(scope: Scope, up: number): Scope {
  return up === 0 || scope.outer === undefined ? scope : climb(scope.outer, up - 1);
}

function root(scope: Scope | undefined): Found | undefined {
  return scope?.outer === undefined ? scope?.found : root(scope.outer);
}

function cureFor(part: string, { tree, label }: Found, scope: Scope): string {
  const outermost = root(scope)?.tree;
  if (scope.outer && isGroup(outermost) && Object.hasOwn(outermost, part)) {
    return `Inside a block, write @root.${part} for the outer name.`;
  }
  return isGroup(tree) ? didYouMean(part, Object.keys(tree)) : `${label} has no names of its own.`;
}

function nameOf(item: Tree): string | undefined {
  const name = isGroup(item) && Object.hasOwn(item, "name") ? item["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

function flag(set: boolean): Value {
  return set ? "true" : undefined;
}
