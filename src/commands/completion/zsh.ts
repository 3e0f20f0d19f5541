import type { Branch, Values } from "./tree.ts";

/** For zsh's completion system, as a file `_mastodon-agent` in `$fpath` or sourced. */
export function zshScript(branches: readonly Branch[]): string {
  return `#compdef mastodon-agent
# Completion of mastodon-agent for zsh: source <(mastodon-agent completion zsh)
_mastodon_agent() {
  local branch="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${branch:+$branch }$word" in
      ${pathsOf(branches)}) branch="\${branch:+$branch }$word" ;;
    esac
  done
  case "$branch|\${words[CURRENT-1]}" in
${branches.flatMap(valueCases).join("\n")}
  esac
  local -a entries
  case "$branch" in
${branches.map(entryCase).join("\n")}
  esac
  _describe mastodon-agent entries
}
if [[ "\${funcstack[1]}" == "_mastodon-agent" ]]; then
  _mastodon_agent "$@"
else
  compdef _mastodon_agent mastodon-agent
fi`;
}

function pathsOf(branches: readonly Branch[]): string {
  return branches
    .filter(({ path }) => path !== "")
    .map(({ path }) => quoted(path))
    .join("|");
}

function valueCases({ path, flags }: Branch): readonly string[] {
  return flags.flatMap(({ name, values }) =>
    values === undefined ? [] : [`    ${quoted(`${path}|${name}`)}) ${completed(values)}return ;;`],
  );
}

function completed(values: Values): string {
  switch (values.kind) {
    case "words":
      return `compadd -- ${values.words.join(" ")}; `;
    case "files":
      return "_files; ";
    case "folders":
      return "_files -/; ";
    case "free":
      return "";
  }
}

function entryCase({ path, commands, flags, argument }: Branch): string {
  const values = argument?.values.kind === "words" ? argument.values.words : [];
  const entries = [
    ...commands.map(({ name, about }) => `${name}:${about}`),
    ...values,
    ...flags.map(({ name, about }) => `${name}:${about}`),
  ];
  return `    ${quoted(path)}) entries=(${entries.map(quoted).join(" ")}) ;;`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
