import type { Branch, Flag, Values } from "./tree.ts";

/** One `complete` for every command and flag, each under the condition that its branch is being typed. */
export function fishScript(branches: readonly Branch[]): string {
  const paths = branches.map(({ path }) => path).filter((path) => path !== "");
  return `# Completion of mastodon-agent for fish: mastodon-agent completion fish | source
function __mastodon_agent_branch
  set -l words (commandline -opc)
  set -l branch ""
  for word in $words[2..-1]
    switch (string trim "$branch $word")
      case ${paths.map(quoted).join(" ")}
        set branch (string trim "$branch $word")
    end
  end
  test "$branch" = "$argv[1]"
end
complete -c mastodon-agent -f
${branches.flatMap(linesOf).join("\n")}`;
}

function linesOf({ path, commands, flags, argument }: Branch): readonly string[] {
  const begin = `complete -c mastodon-agent -n ${quoted(`__mastodon_agent_branch ${quoted(path)}`)}`;
  const values = argument?.values.kind === "words" ? argument.values.words : [];
  return [
    ...commands.map(({ name, about }) => `${begin} -a ${name} -d ${quoted(about)}`),
    ...(values.length === 0 ? [] : [`${begin} -a ${quoted(values.join(" "))}`]),
    ...flags.map((flag) => `${begin} ${flagWords(flag)}`),
  ];
}

function flagWords({ name, short, values, about }: Flag): string {
  const names = [`-l ${name.slice(2)}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])].join(" ");
  return `${names}${values === undefined ? "" : ` ${completed(values)}`} -d ${quoted(about)}`;
}

function completed(values: Values): string {
  switch (values.kind) {
    case "words":
      return `-x -a ${quoted(values.words.join(" "))}`;
    case "files":
      return "-r -F";
    case "folders":
      return "-x -a '(__fish_complete_directories)'";
    case "free":
      return "-x";
  }
}

/** In single quotes fish has two escapes. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
