/** RFC 5424, 6.2.1, by log level. */
export const SEVERITIES = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 } as const;

/** sd-daemon(3): the journal uses the number as the line's priority, and removes it. */
export function prioritized(severity: number, text: string): string {
  return text.replaceAll(/^/gm, `<${severity}>`);
}
