import { ExitCode, messageOf, Unavailable } from "../base/errors.ts";
import { readConfig } from "../options/config-file.ts";
import { type Status, statusSchema } from "../report/status.ts";
import { bracketed } from "../settings/types.ts";
import type { CommonFlags, Io } from "./io.ts";

const ANSWER_TIMEOUT_MS = 5000;
const NAME_WIDTH = 18;

/** Asks the running agent. @throws Unavailable when none answers */
export async function status({ json, config }: CommonFlags & { json?: boolean }, io: Io): Promise<ExitCode> {
  const { host, port } = readConfig(config).http;
  const document = await ask(`http://${bracketed(host)}:${port}/status`);
  if (json) io.out(JSON.stringify(document, null, 2));
  else for (const line of lines(document)) io.out(line);
  return ExitCode.ok;
}

async function ask(url: string): Promise<Status> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return statusSchema.parse(await response.json());
  } catch (error) {
    const cure =
      "Is the agent running? `mastodon-agent run` serves it, at the address under http in the configuration file.";
    throw new Unavailable({ where: url, what: `no status (${messageOf(error)})`, cure }, { cause: error });
  }
}

function lines(status: Status): readonly string[] {
  return [
    `${status.node} is ${status.state}: ${status.reason}`,
    ...Object.entries(status.endpoints).map(([name, endpoint]) => row(name, endpointText(endpoint))),
    row("consul", `${status.consul.joined ? "joined" : "not joined"}, ${status.consul.members} members`),
    ...(status.last_change === null ? [] : [row("last change", changeText(status.last_change))]),
    ...status.problems.map(({ code, message, since }) => row(code, `${message} (since ${since})`)),
  ];
}

function row(name: string, text: string): string {
  return `${name.padEnd(NAME_WIDTH)}${text}`;
}

function endpointText({ host, port, source, since }: Status["endpoints"][string]): string {
  return host === null ? "unknown" : `${bracketed(host)}:${port} from ${source}, since ${since}`;
}

function changeText({ at, outcome, cause, units, duration_ms }: NonNullable<Status["last_change"]>): string {
  return `${at} ${outcome}: ${cause}; ${units.length === 0 ? "no unit" : units.join(", ")}, ${duration_ms} ms`;
}
