/** What a configuration for the nginx of this machine depends on: its version, and how it finds a name. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { TemplatedFile } from "./templates.ts";

export interface NginxHere {
  /** It has the directive `http2`, and warns of `listen ... http2`. */
  readonly hasHttp2Directive: boolean;
  /** The machine's DNS servers, as nginx writes them. */
  readonly resolver: readonly string[];
  /** Names that the machine knows without DNS; nginx's own resolver does not know them. */
  readonly hosts: readonly string[];
}

const NOTHING: NginxHere = { hasHttp2Directive: false, resolver: [], hosts: [] };
const HTTP2_DIRECTIVE_SINCE = [1, 25, 1] as const;
const ANSWER_TIMEOUT_MS = 5000;

/** Looks once, when it is first asked. */
export function nginxHere(files: readonly TemplatedFile[]): () => NginxHere {
  let seen: NginxHere | undefined;
  return () => {
    seen ??= look(files);
    return seen;
  };
}

/** Only where a file for nginx is rendered. The program is the one that checks it. */
function look(files: readonly TemplatedFile[]): NginxHere {
  const file = files.find(({ template }) => template.language === "nginx");
  if (file === undefined) return NOTHING;
  return {
    hasHttp2Directive: hasHttp2Directive(versionOf(file.spec.check?.[0])),
    resolver: resolversIn(textOf("/etc/resolv.conf")),
    hosts: hostsIn(textOf("/etc/hosts")),
  };
}

/** The older spelling works with every version, so it is used where the version is not known. */
export function hasHttp2Directive(said: string): boolean {
  const [, ...parts] = /\/(\d+)\.(\d+)\.(\d+)/.exec(said) ?? [];
  const at = HTTP2_DIRECTIVE_SINCE.findIndex((part, position) => Number(parts[position]) !== part);
  if (parts.length === 0) return false;
  return at === -1 || Number(parts[at]) > (HTTP2_DIRECTIVE_SINCE[at] ?? 0);
}

/** nginx takes no address with a zone (`fe80::1%em0`). */
export function resolversIn(text: string): readonly string[] {
  const servers = [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9A-Fa-f.:]+)[ \t]*(?:[#;].*)?$/gm)];
  return servers.map(([, address = ""]) => (address.includes(":") ? `[${address}]` : address));
}

export function hostsIn(text: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line) => line.replace(/#.*/, "").trim().split(/\s+/).slice(1))
    .map((name) => name.toLowerCase());
}

/** `nginx version: nginx/1.22.1`, on standard error. */
function versionOf(program: string | undefined): string {
  if (program === undefined) return "";
  return spawnSync(program, ["-v"], { encoding: "utf8", timeout: ANSWER_TIMEOUT_MS }).stderr ?? "";
}

/** A machine without the file has no DNS, or no names of its own. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
