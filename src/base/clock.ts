/**
 * Milliseconds that look like those since the epoch but only ever go forward: a clock that is set an hour back or
 * forth neither delays nor hurries anything.
 */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now();
}
