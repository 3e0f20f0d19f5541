/**
 * Milliseconds that look like those since the epoch but only ever go forward: setting the clock an hour back or ahead
 * neither delays nor rushes anything.
 */
export function steadyMs(): number {
  return performance.timeOrigin + performance.now();
}
