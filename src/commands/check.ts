import { type ExitCode, messageOf } from "../base/errors.ts";
import type { Options } from "../options.ts";
import { aclInspections } from "./check/acl.ts";
import { agentInspections } from "./check/agent.ts";
import { backendInspections } from "./check/backends.ts";
import { certificateInspections } from "./check/certificates.ts";
import { clockInspections } from "./check/clock.ts";
import { consulInspections } from "./check/consul.ts";
import { databaseInspections } from "./check/database.ts";
import { environmentInspections } from "./check/environment.ts";
import { fileInspections } from "./check/files.ts";
import { explained, type Finding, type Inspection, inspectAll } from "./check/inspection.ts";
import { localInspections } from "./check/local.ts";
import { exitCodeOf, printFindings, printSummary, summaryOf } from "./check/report.ts";
import { sourceInspections } from "./check/sources.ts";
import { unitInspections } from "./check/units.ts";
import { optionsFrom } from "./given.ts";
import type { CommonFlags, Io } from "./io.ts";
import { keysOfNextStart, type Look, look } from "./look.ts";
import { during } from "./screen/during.ts";

export type CheckFlags = CommonFlags & { readonly probe?: boolean; readonly json?: boolean };

/** Checks everything without changing anything. The exit code is that of the first failure. */
export async function check(
  { probe = false, json = false, ...flags }: CheckFlags,
  io: Io,
): Promise<ExitCode> {
  const options = optionsOrSay(flags, io);
  const findings: Finding[] = [];
  const stage: Stage = async (what, inspections) => {
    const found = await during(what, io, async () => inspectAll(await inspections()));
    if (!json) printFindings(found, io);
    findings.push(...found);
  };
  if ("cannot" in options) await stage("", async () => [refusal("configuration", options)]);
  else await lookAtAll(options, probe, stage, io);
  if (json) io.out(JSON.stringify(inJson(findings), null, 2));
  else printSummary(findings, io);
  return exitCodeOf(findings);
}

/** Findings are shown before the next stage begins. */
type Stage = (what: string, inspections: () => Promise<readonly Inspection[]>) => Promise<void>;

async function lookAtAll(options: Options, probe: boolean, stage: Stage, io: Io): Promise<void> {
  await stage("", async () => [["configuration", () => WELL_FORMED]]);
  await stage("Checking files and keys", async () => localInspections(options));
  const seen = await during("Asking Consul", io, () => lookOrSay(options));
  if ("cannot" in seen) await stage("", async () => [refusal("sources", seen)]);
  else {
    await stage("", async () => sourceInspections(options, seen));
    await stage("Rendering", () => orSay("files", fileInspections(options, seen)));
    await stage("Looking at certificates", () =>
      orSay("certificates", certificateInspections(options, seen)),
    );
  }
  if (probe) await stage("Asking every backend", () => probeInspections(options, seen));
}

const WELL_FORMED = "environment, configuration file and templates are well-formed";

interface Cannot {
  readonly cannot: Error;
}

function refusal(title: string, { cannot }: Cannot): Inspection {
  return [title, () => Promise.reject(cannot)];
}

/** What cannot be prepared for a look is one finding. */
async function orSay(title: string, building: Promise<readonly Inspection[]>) {
  try {
    return await building;
  } catch (error) {
    return [refusal(title, { cannot: explained(error) })];
  }
}

/** Without a configuration there is nothing else to check. */
function optionsOrSay(flags: CommonFlags, io: Io): Options | Cannot {
  try {
    return optionsFrom(flags, io);
  } catch (error) {
    return { cannot: explained(error) };
  }
}

type Seen = Look | Cannot;

async function lookOrSay(options: Options): Promise<Seen> {
  try {
    return await look(options, keysOfNextStart);
  } catch (error) {
    return { cannot: explained(error) };
  }
}

/** What involves others: the programs, Consul and the backends. */
async function probeInspections(options: Options, seen: Seen): Promise<readonly Inspection[]> {
  if ("cannot" in seen)
    return [...consulInspections(options), ...unitInspections(options), ...(await agentInspections(options))];
  const { unanswered, evaluation } = seen;
  // That nothing answers has already been reported. A client without a server treats everything as forbidden.
  const isThere = unanswered.every(({ kind }) => kind !== "unreachable");
  const hasServers = unanswered.every(({ kind }) => kind === "denied" || kind === "doubtful");
  return [
    ...(isThere ? consulInspections(options) : []),
    ...(hasServers ? await acls(options, seen) : []),
    ...unitInspections(options),
    ...environmentInspections(options, seen),
    ...clockInspections(evaluation.merged),
    ...backendInspections(evaluation.merged),
    ...databaseInspections(options, evaluation.merged),
    ...(await agentInspections(options)),
  ];
}

/** A Consul that goes away in between has already been reported. */
async function acls(options: Options, seen: Look): Promise<readonly Inspection[]> {
  try {
    return await aclInspections(options, seen);
  } catch (error) {
    const cure = "Try again.";
    return [["acl", () => ({ warning: { where: "ACL token", what: messageOf(error), cure } })]];
  }
}

function inJson(findings: readonly Finding[]): object {
  return {
    ...summaryOf(findings),
    exit_code: exitCodeOf(findings),
    findings: findings.map(({ title, verdict, messages }) => ({ title, verdict, messages })),
  };
}
