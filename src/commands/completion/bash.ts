import type { Branch, Values } from "./tree.ts";

/** For bash 4 and newer: a function and its registration. */
export function bashScript(branches: readonly Branch[]): string {
  return `# Completion of mastodon-agent for bash: source <(mastodon-agent completion bash)
_mastodon_agent() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} branch="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${branch:+$branch }$word" in
      ${pathsOf(branches)}) branch="\${branch:+$branch }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$branch|$previous" in
${branches.flatMap(valueCases).join("\n")}
  esac
  case "$branch" in
${branches.map(wordCase).join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _mastodon_agent mastodon-agent`;
}

function pathsOf(branches: readonly Branch[]): string {
  return branches
    .filter(({ path }) => path !== "")
    .map(({ path }) => `"${path}"`)
    .join("|");
}

function valueCases({ path, flags }: Branch): readonly string[] {
  return flags.flatMap(({ name, values }) =>
    values === undefined ? [] : [`    "${path}|${name}") ${completed(values)} return ;;`],
  );
}

function completed(values: Values): string {
  switch (values.kind) {
    case "words":
      return `mapfile -t COMPREPLY < <(compgen -W "${values.words.join(" ")}" -- "$current");`;
    case "files":
      return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current");`;
    case "folders":
      return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current");`;
    case "free":
      return "";
  }
}

function wordCase({ path, commands, flags, argument }: Branch): string {
  const values = argument?.values.kind === "words" ? argument.values.words : [];
  const words = [...commands.map(({ name }) => name), ...values, ...flags.map(({ name }) => name)];
  return `    "${path}") words="${words.join(" ")}" ;;`;
}
