import { readFileSync } from "node:fs";
import { type Document, isMap, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type * as z from "zod";
import { denied } from "../base/access.ts";
import { type Complaint, codeOf, Misconfigured, messageOf, type Place } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { DEFAULT_CONFIG_FILE } from "./default-config-file.ts";
import { fileFaults } from "./file-entries.ts";
import { knownKeys } from "./known-keys.ts";
import { isGroup, overlay } from "./overlay.ts";
import { type Places, PROFILE_NAMES, profileDefaults, type RawConfig } from "./profiles.ts";
import { type Config, configSchema } from "./schema.ts";

/** A configuration file as read, with what is needed to say where in it something is. */
interface Source {
  readonly path: string;
  readonly raw: RawConfig;
  readonly document: Document;
  readonly lines: LineCounter;
}

/**
 * Reads the configuration file and merges it over its profile.
 *
 * @param path undefined: the default place, where it may be absent
 * @throws Misconfigured naming the file with line and column, everything that is wrong at once
 */
export function readConfig(path: string | undefined): Config {
  const source = parse(path ?? DEFAULT_CONFIG_FILE, readText(path));
  const result = configSchema.safeParse(overlay(defaultsFor(source), source.raw), { reportInput: true });
  const [first, ...others] = result.success
    ? complaintsAbout(result.data, source)
    : result.error.issues.flatMap((issue) => complaintsOf(issue, source));
  if (result.success && first === undefined) return result.data;
  throw new Misconfigured(first ?? { where: source.path, what: "not valid", cure: SEE_DOCS }, { others });
}

/** What is wrong although each entry by itself is right. */
function complaintsAbout(config: Config, source: Source): readonly Complaint[] {
  const faults = fileFaults(config, switchedOff(source));
  return faults.map(({ path, ...fault }) => ({ ...fault, ...whereIs(path, source) }));
}

/** Its name is no longer one of the configuration's. */
function switchedOff({ raw: { units } }: Source): readonly string[] {
  return isGroup(units) ? Object.keys(units).filter((name) => units[name] === null) : [];
}

function readText(path: string | undefined): string {
  try {
    return readFileSync(path ?? DEFAULT_CONFIG_FILE, "utf8");
  } catch (error) {
    if (path === undefined && codeOf(error) === "ENOENT") return "";
    const where = path ?? DEFAULT_CONFIG_FILE;
    const cure = "Name another file with --config.";
    const reason = codeOf(error) === "EACCES" ? denied(where) : { where, what: messageOf(error), cure };
    throw new Misconfigured(reason, { cause: error });
  }
}

function parse(path: string, text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    throw new Misconfigured({
      ...at(path, lines, error.pos[0]),
      what: error.message.replace(/\.$/, ""),
      cure: "Correct the YAML.",
    });
  }
  const raw = valuesOf(document, path, lines) ?? {};
  if (!isGroup(raw))
    throw new Misconfigured({ where: path, what: "not a mapping of keys to values", cure: SEE_DOCS });
  return { path, raw, document, lines };
}

/** Aliases are resolved here and not before: one may lead nowhere, contain itself, or turn a small file into a huge one. */
function valuesOf(document: Document, path: string, lines: LineCounter): unknown {
  const cure = "Write out the value in place of the alias.";
  visit(document, {
    Alias(_, alias, around) {
      const target = alias.resolve(document);
      if (target !== undefined && !around.includes(target)) return;
      const what = `the alias *${alias.source} ${target === undefined ? "has no anchor before it" : "contains itself"}`;
      throw new Misconfigured({ ...at(path, lines, alias.range?.[0] ?? 0), what, cure });
    },
  });
  try {
    return document.toJS();
  } catch (error) {
    throw new Misconfigured({ where: path, what: messageOf(error), cure }, { cause: error });
  }
}

function defaultsFor({ raw }: Source): RawConfig {
  const profile = PROFILE_NAMES.find((name) => name === (raw["profile"] ?? "potluck"));
  return profileDefaults(profile ?? "none", placesIn(raw));
}

function placesIn({ paths, consul }: RawConfig): Partial<Places> {
  const mastodon = isGroup(paths) ? paths["mastodon"] : undefined;
  const address = isGroup(consul) ? consul["address"] : undefined;
  return {
    ...(typeof mastodon === "string" && { mastodon }),
    ...(typeof address === "string" && URL.canParse(address) && { consul: listenerOf(new URL(address)) }),
  };
}

function listenerOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

function complaintsOf(issue: z.core.$ZodIssue, source: Source): Complaint[] {
  const path = issue.path.map(String);
  if (issue.code === "invalid_value" && typeof issue.input === "string") {
    const what = `${path.join(".")}: unknown name ${issue.input}`;
    return [{ ...whereIs(path, source), what, cure: didYouMean(issue.input, issue.values.map(String)) }];
  }
  if (issue.code !== "unrecognized_keys")
    return [{ ...whereIs(path, source), what: `${path.join(".")}: ${issue.message}`, cure: SEE_DOCS }];
  return issue.keys.map((key) => ({
    ...whereKeyIs(path, key, source),
    what: `unknown key ${[...path, key].join(".")}`,
    cure: didYouMean(key, knownKeys(path)),
  }));
}

/** The position of a key itself. */
function whereKeyIs(path: readonly string[], key: string, { document, lines, path: file }: Source): Place {
  const group = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(group)
    ? group.items.find((item) => isScalar(item.key) && item.key.value === key)
    : undefined;
  return isScalar(pair?.key) && pair.key.range ? at(file, lines, pair.key.range[0]) : { where: file };
}

/** The position of the value, or of the nearest thing around it in the file. */
function whereIs(path: readonly string[], { document, lines, path: file }: Source): Place {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (hasRange(node)) return at(file, lines, node.range[0]);
  }
  return { where: file };
}

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return isGroup(node) && Array.isArray(node["range"]);
}

function at(file: string, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { where: file, position: `:${line}:${col}` };
}

const SEE_DOCS = "See docs/configuration.md.";
