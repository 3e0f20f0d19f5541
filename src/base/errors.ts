/** The exit codes, after sysexits(3). */
export const ExitCode = {
  ok: 0,
  usage: 64,
  refusedInput: 65,
  unavailable: 69,
  bug: 70,
  temporary: 75,
  misconfigured: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface Place {
  /** A file, a variable, a KV key, an address. */
  readonly where: string;
  /** The place in that file, such as `:3:5`. */
  readonly position?: string;
}

/** What every error of ours says: what is wrong, where it came from, and what to do about it. */
export interface Complaint extends Place {
  readonly what: string;
  readonly cure: string;
}

/** One sentence of a complaint, as it is logged and shown. */
export function sentence({ what, where, position = "", cure }: Complaint): string {
  return `${where}${position}: ${what}. ${cure}`;
}

/** The three subclasses tell the caller what it must do: refuse this input, stop, or try again. */
abstract class AgentError extends Error {
  abstract readonly exitCode: ExitCode;
  readonly complaint: Complaint;
  /** What else is wrong with the same input, so that an operator sees everything at once. */
  readonly others: readonly Complaint[];

  constructor(complaint: Complaint, options?: ErrorOptions & { others?: readonly Complaint[] }) {
    const others = options?.others ?? [];
    super([complaint, ...others].map(sentence).join("\n"), options);
    this.name = new.target.name;
    this.complaint = complaint;
    this.others = others;
  }
}

/** A value from outside is not acceptable; the rest goes on without it. */
export class Refused extends AgentError {
  override readonly exitCode = ExitCode.refusedInput;
}

/** Configuration, permissions or keys are wrong; nothing may be changed on disk until an operator acts. */
export class Misconfigured extends AgentError {
  override readonly exitCode = ExitCode.misconfigured;
}

/** A backend does not answer. */
export class Unavailable extends AgentError {
  override readonly exitCode = ExitCode.unavailable;
}

/** Something is not ready yet; the same call may succeed later. */
export class TryAgain extends AgentError {
  override readonly exitCode = ExitCode.temporary;
}

export function isAgentError(error: unknown): error is AgentError {
  return error instanceof AgentError;
}

/** A short text for an error of any origin, for logs and for the `what` of a complaint. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, ...). */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
