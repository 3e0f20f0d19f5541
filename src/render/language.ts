/** The languages that rendered files are written in; each has its own escaper. */
export const LANGUAGES = [
  "dotenv",
  "nginx",
  "json",
  "hcl",
  "syslog-ng",
  "sh",
  "rc",
  "yaml",
  "plain",
] as const;

export type Language = (typeof LANGUAGES)[number];

/** First match wins, so `nginx.json` is JSON, and a fragment in `rc.conf.d` is one whatever its name. */
const BY_FILE_NAME: readonly (readonly [RegExp, Language])[] = [
  [/\.json$/, "json"],
  [/\.hcl$/, "hcl"],
  [/\.ya?ml$/, "yaml"],
  [/\.sh$/, "sh"],
  [/\/rc\.conf\.d\//, "rc"],
  [/(^|\/)rc\.[^/]*$/, "rc"],
  [/(^|[/.])env(\.[^/]*)?$/, "dotenv"],
  [/(^|\/)nginx[^/]*\.conf$/, "nginx"],
  [/nginx[^/]*\/.*\.conf$/, "nginx"],
  [/(^|\/)syslog-ng[^/]*\.conf$/, "syslog-ng"],
];

/** Guesses the language from the target's path, else from the template's name; `plain` if neither shows it. */
export function languageOf(template: string, path: string): Language {
  return byName(path) ?? byName(template.replace(/\.hbs$/, "")) ?? "plain";
}

function byName(name: string): Language | undefined {
  return BY_FILE_NAME.find(([pattern]) => pattern.test(name))?.[1];
}
