/** RFC 5424, 6.2.1, by the levels of the log. */
export const SEVERITIES = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 } as const;

/** sd-daemon(3): the journal takes the number for the priority of the line, and takes it off. */
export function prioritized(severity: number, text: string): string {
  return text.replaceAll(/^/gm, `<${severity}>`);
}
