/**
 * Milliseconds that look like those since the epoch but only ever go forward: setting the clock an hour back or ahead
 * neither delays nor rushes anything.
 */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The wall-clock time of a moment on the steady clock, as ISO 8601 and to the second, so that it stays the same. */
export function wallTimeAt(momentMs: number): string {
  const wallMs = Date.now() + momentMs - steadyMs();
  return new Date(Math.round(wallMs / 1000) * 1000).toISOString();
}
