// The manual page, in mdoc(7), made of the very tree of commands: it cannot say what the program does not do.

import { ExitCode } from "../src/base/errors.ts";
import { branchesOf } from "../src/commands/completion/tree.ts";
import { buildProgram } from "../src/commands/program.ts";

/** @param {{ version: string, date: Date }} edition */
export function manPage({ version, date }) {
  const { program, print } = silentProgram(version);
  const [root, ...branches] = branchesOf(program);
  const commands = branches.filter(({ path }) => !/(^| )help$/.test(path));
  return `${[
    `.Dd ${date.toLocaleDateString("en-US", { month: "long", day: "numeric", year: "numeric", timeZone: "UTC" })}`,
    ".Dt MASTODON-AGENT 1",
    ".Os",
    ".Sh NAME",
    ".Nm mastodon-agent",
    `.Nd ${root.about.replace(/\.$/, "").replace(/^K/, "k").split(":")[0]}`,
    ".Sh SYNOPSIS",
    ...commands.filter(isLeaf).flatMap(synopsis),
    ".Sh DESCRIPTION",
    escaped(root.about),
    ".Pp",
    "The commands are:",
    ".Bl -tag -width Ds",
    ...commands.filter(isLeaf).flatMap((branch) => [...description(branch), ...example(print(branch.path))]),
    ".El",
    ...ENDING,
  ].join("\n")}\n`;
}

/** The tree, and the help of each of its commands. */
function silentProgram(version) {
  let printed = "";
  const collect = (text) => {
    printed += text;
  };
  const program = buildProgram({ version, out: collect, err: collect }, () => {});
  const print = (path) => {
    printed = "";
    path
      .split(" ")
      .reduce((parent, name) => parent.commands.find((child) => child.name() === name), program)
      .outputHelp();
    return printed;
  };
  return { program, print };
}

function isLeaf({ commands }) {
  return commands.length === 0;
}

function synopsis({ path, flags, argument }) {
  return [
    ".Nm",
    `.Cm ${path}`,
    ...flags
      .filter(({ name }) => name !== "--help")
      .map(({ name, placeholder }) => `.Op Fl \\-${name.slice(2)}${placeholder ? ` Ar ${placeholder}` : ""}`),
    ...(argument ? [argument.isRequired ? `.Ar ${argument.name}` : `.Op Ar ${argument.name}`] : []),
  ];
}

function description({ path, about, flags, argument }) {
  return [
    `.It Cm ${path}`,
    escaped(about),
    ".Bl -tag -width Ds",
    ...(argument ? [`.It Ar ${argument.name}`, escaped(argument.about)] : []),
    ...flags.flatMap(({ name, short, placeholder, about: meaning }) => [
      `.It ${short ? `Fl ${short.slice(1)} , ` : ""}Fl \\-${name.slice(2)}${placeholder ? ` Ar ${placeholder}` : ""}`,
      escaped(meaning),
    ]),
    ".El",
  ];
}

function example(help) {
  const line = /^Example:\n\s+\$ (.*)$/m.exec(help)?.[1];
  return line === undefined ? [] : [".Pp", `.Dl $ ${escaped(line)}`];
}

/**
 * A backslash begins an escape, a dot or an apostrophe at the beginning of a line a request; a sentence begins a line.
 */
function escaped(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/\.\s+(?=[A-Z])/g, ".\n")
    .replaceAll(/^[.']/gm, "\\&$&");
}

const MEANINGS = {
  ok: "Success.",
  usage: "The command line is wrong.",
  refusedInput: "An input value is refused.",
  unavailable: "A backend, Consul or the agent does not answer.",
  bug: "A bug in the agent.",
  temporary: "Something is not ready yet: try again.",
  misconfigured: "Configuration, permissions or keys are refused; nothing was changed.",
};

const ENDING = [
  ".Sh ENVIRONMENT",
  "The parameters of the jail:",
  ".Ev DATACENTER , IP , NODENAME , CONSULSERVERS , GOSSIPKEY",
  "and those that are not in Consul; and the variables that Consul itself uses, such as",
  ".Ev CONSUL_HTTP_ADDR",
  "and",
  ".Ev CONSUL_HTTP_TOKEN .",
  "Where",
  ".Ev NO_COLOR",
  "is set, there are no colours.",
  ".Sh FILES",
  ".Bl -tag -width Ds",
  ".It Pa /usr/local/etc/mastodon-agent.yaml",
  "The configuration; it may be absent.",
  ".It Pa /usr/local/etc/mastodon-agent.env , /tmp/environment.sh",
  "The parameters of the jail, unless the configuration or",
  ".Fl \\-environment",
  "names another file.",
  ".El",
  ".Sh EXIT STATUS",
  ".Bl -tag -width Ds",
  ...Object.entries(ExitCode).flatMap(([name, code]) => [`.It ${code}`, MEANINGS[name]]),
  ".It 9",
  "Node refuses one of its own options, for instance in",
  ".Ev NODE_OPTIONS .",
  ".El",
  ".Sh SEE ALSO",
  "The documentation in",
  ".Pa docs/",
  "of the package.",
];
