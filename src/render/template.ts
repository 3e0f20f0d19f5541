/**
 * Renders one file from its template. Every value passes the escaper of the file's language, however it is written in
 * the template; `{{{X}}}` does not bypass it. Every name is looked up even in a branch that is not taken, so a mistyped
 * one shows at the first start and not on the day the branch is needed.
 */
import { Misconfigured, Refused } from "../base/errors.ts";
import { reveal } from "../base/secret.ts";
import { acceptedBy, escapeFor } from "./escape.ts";
import type { Language } from "./language.ts";
import { type Node, type Path, parse, placeIn } from "./parse.ts";
import { type Found, find, innerScope, itemScopes, rootScope, type Scope } from "./scope.ts";
import { isGroup, isList, isValue, type RenderInput, type Tree } from "./tree.ts";

export interface Template {
  readonly name: string;
  readonly language: Language;
  /**
   * Looks up every name and prints none, so it works while values are still missing.
   *
   * @throws Misconfigured for a name that is not in the input.
   */
  check(input: RenderInput): void;
  /**
   * @throws Misconfigured as `check` does.
   * @throws Refused for a value that the language cannot represent, and for printing a name without a value.
   */
  render(input: RenderInput): string;
  /** Whether the template has a name, in whatever branch. */
  mentions(name: string): boolean;
}

/** Parses once. @throws Misconfigured for an invalid template, with the line. */
export function compileTemplate(name: string, text: string, language: Language): Template {
  const nodes = parse(name, text);
  const walk = (input: RenderInput, taken: boolean) =>
    renderAll({ name, language }, nodes, rootScope(input), taken);
  return {
    name,
    language,
    check: (input) => void walk(input, false),
    render: (input) => walk(input, true),
    mentions: (word) => mentions(nodes, word),
  };
}

function mentions(nodes: readonly Node[], word: string): boolean {
  return nodes.some((node) => {
    if (node.kind === "text") return false;
    if (node.path.parts[0] === word) return true;
    return node.kind !== "print" && (mentions(node.body, word) || mentions(node.otherwise, word));
  });
}

type File = Pick<Template, "name" | "language">;

function renderAll(file: File, nodes: readonly Node[], scope: Scope, taken: boolean): string {
  return nodes.map((node) => renderNode(file, node, scope, taken)).join("");
}

function renderNode(file: File, node: Node, scope: Scope, taken: boolean): string {
  if (node.kind === "text") return taken ? node.text : "";
  const found = find(file.name, node.path, scope);
  if (node.kind === "print") return print(file, node.path, found, taken);
  const inside = bodyScopes(file, node, found, scope);
  const enter = node.kind === "each" ? inside.length > 0 : holds(found.tree) !== (node.kind === "unless");
  const body = inside.map((inner) => renderAll(file, node.body, inner, taken && enter));
  return body.join("") + renderAll(file, node.otherwise, scope, taken && !enter);
}

/** The scopes in which a block's body is rendered, or only checked if the block is not entered. */
function bodyScopes(
  file: File,
  { kind, path }: Exclude<Node, { kind: "text" | "print" }>,
  found: Found,
  scope: Scope,
): readonly Scope[] {
  if (kind === "if" || kind === "unless") return [scope];
  if (kind === "with") return holds(found.tree) ? [innerScope(found, scope)] : [];
  if (isValue(found.tree) && holds(found.tree)) {
    throw wrongUse(
      file,
      path,
      `"${path.written}" is a single value, not a list`,
      "Use {{#with}} or {{#if}}.",
    );
  }
  return itemScopes(found, scope);
}

/** Set and not empty; a group always is. */
function holds(tree: Tree): boolean {
  if (isGroup(tree)) return true;
  return isList(tree) ? tree.length > 0 : tree !== undefined && reveal(tree) !== "";
}

function print(file: File, path: Path, { tree, label }: Found, taken: boolean): string {
  if (!isValue(tree)) {
    throw wrongUse(
      file,
      path,
      `"${path.written}" is a ${isList(tree) ? "list" : "group"}, not a value`,
      cureFor(tree),
    );
  }
  if (!taken) return "";
  if (tree === undefined) {
    throw new Refused({
      what: `${label} has no value`,
      ...placeIn(file.name, path.line),
      cure: `Set it, or put the line between {{#if ${path.written}}} and {{/if}}.`,
    });
  }
  const written = escapeFor(file.language, reveal(tree));
  if (written === undefined) {
    throw new Refused({
      what: `${label} cannot be written safely into a ${file.language} file`,
      ...placeIn(file.name, path.line),
      cure: `It may be ${acceptedBy(file.language)}.`,
    });
  }
  return written;
}

function wrongUse(file: File, path: Path, what: string, cure: string): Misconfigured {
  return new Misconfigured({ what, ...placeIn(file.name, path.line), cure });
}

function cureFor(tree: Tree): string {
  return isGroup(tree) ? `It has ${Object.keys(tree).join(", ")}.` : "Use {{#each}}.";
}
