/**
 * Reads a template with Handlebars' own parser and keeps the part of the language that holds no surprises: text, names,
 * and the blocks `if`, `unless`, `each` and `with`. Templates are data here, never compiled to code.
 */
import handlebars from "handlebars/dist/cjs/handlebars/compiler/base.js";
import { Misconfigured, messageOf, type Place } from "../base/errors.ts";

const BLOCKS = ["if", "unless", "each", "with"] as const;

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly path: Path }
  | {
      readonly kind: (typeof BLOCKS)[number];
      readonly path: Path;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

export interface Path {
  /** As written in the template. */
  readonly written: string;
  readonly line: number;
  /** How many `../` it begins with. */
  readonly up: number;
  /** `@index` and the like. */
  readonly data: boolean;
  /** Empty for `this`. */
  readonly parts: readonly string[];
}

/** @throws Misconfigured for what is not Handlebars, or not in our subset; both with the line. */
export function parse(name: string, text: string): readonly Node[] {
  return nodesOf(name, syntaxTree(name, text));
}

/** Where in a template something is wrong, for messages. */
export function placeIn(name: string, line: number): Place {
  return { where: `template ${name}`, position: `, line ${line}` };
}

function syntaxTree(name: string, text: string): hbs.AST.Program {
  try {
    return handlebars.parse(text);
  } catch (error) {
    throw syntaxError(name, error);
  }
}

/** Handlebars has the line only in the message: `Parse error on line 3:` or `if doesn't match each - 2:3`. */
function syntaxError(name: string, error: unknown): Misconfigured {
  const message = messageOf(error);
  const [, parseLine, excerpt] = /^Parse error on line (\d+):\n(.*)/.exec(message) ?? [];
  const [, mismatch = message, blockLine] = /^(.*) - (\d+):\d+$/.exec(message) ?? [];
  const near = message.endsWith("got 'EOF'") ? "a block is not closed" : `syntax error near "${excerpt}"`;
  return new Misconfigured(
    {
      what: parseLine === undefined ? mismatch : near,
      ...placeIn(name, Number(parseLine ?? blockLine ?? 1)),
      cure: "Correct the template.",
    },
    { cause: error },
  );
}

function nodesOf(name: string, program: hbs.AST.Program | undefined): readonly Node[] {
  return (program?.body ?? []).flatMap((statement) => nodeOf(name, statement));
}

function nodeOf(name: string, node: hbs.AST.Node): readonly Node[] {
  if (isComment(node)) return [];
  if (isContent(node)) return [{ kind: "text", text: node.value }];
  if (isMustache(node)) return [{ kind: "print", path: printed(name, node) }];
  if (isBlock(node)) return [block(name, node)];
  throw unknown(name, node, "partials and decorators are not supported");
}

function printed(name: string, node: hbs.AST.MustacheStatement): Path {
  if (!isPath(node.path)) throw unknown(name, node, "a literal instead of a name");
  if (node.params.length > 0 || node.hash !== undefined) {
    throw unknown(name, node, `unknown helper "${node.path.original}"`);
  }
  return pathOf(node.path);
}

function block(name: string, node: hbs.AST.BlockStatement): Node {
  const kind = BLOCKS.find((known) => known === node.path.original);
  if (kind === undefined) throw unknown(name, node, `unknown block helper "${node.path.original}"`);
  const [subject, ...others] = node.params;
  if (subject === undefined || !isPath(subject) || others.length > 0 || node.hash !== undefined) {
    throw unknown(name, node, `"${kind}" takes exactly one name`);
  }
  if (node.program?.blockParams !== undefined)
    throw unknown(name, node, "block parameters are not supported");
  return {
    kind,
    path: pathOf(subject),
    body: nodesOf(name, node.program),
    otherwise: nodesOf(name, node.inverse),
  };
}

function pathOf({ original, loc, depth, data, parts }: hbs.AST.PathExpression): Path {
  return { written: original, line: loc.start.line, up: depth, data, parts };
}

function unknown(name: string, node: hbs.AST.Node, what: string): Misconfigured {
  return new Misconfigured({
    what,
    ...placeIn(name, node.loc.start.line),
    cure: "A template has {{NAME}}, {{group.name}}, {{#if}}, {{#unless}}, {{#each}}, {{#with}}, {{else}} and comments.",
  });
}

function isComment(node: hbs.AST.Node): node is hbs.AST.CommentStatement {
  return node.type === "CommentStatement";
}

function isContent(node: hbs.AST.Node): node is hbs.AST.ContentStatement {
  return node.type === "ContentStatement";
}

function isMustache(node: hbs.AST.Node): node is hbs.AST.MustacheStatement {
  return node.type === "MustacheStatement";
}

function isBlock(node: hbs.AST.Node): node is hbs.AST.BlockStatement {
  return node.type === "BlockStatement";
}

function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === "PathExpression";
}
