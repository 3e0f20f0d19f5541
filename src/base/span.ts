/** One timed piece of work: what it was, how long it took, whether it succeeded. */
export interface Span {
  readonly stage: string;
  readonly unit?: string;
  readonly ms: number;
  readonly ok: boolean;
}

export type Observe = (span: Span) => void;

/** Does the work and reports how long it took, even when it fails. */
export async function timed<Result>(
  observe: Observe | undefined,
  about: Pick<Span, "stage" | "unit">,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  let ok = false;
  try {
    const result = await work();
    ok = true;
    return result;
  } finally {
    observe?.({ ...about, ms: roundedMs(performance.now() - began), ok });
  }
}

/** Like `timed`, for synchronous work. */
export function timedNow<Result>(
  observe: Observe | undefined,
  about: Pick<Span, "stage" | "unit">,
  work: () => Result,
): Result {
  const began = performance.now();
  let ok = false;
  try {
    const result = work();
    ok = true;
    return result;
  } finally {
    observe?.({ ...about, ms: roundedMs(performance.now() - began), ok });
  }
}

/** To a hundredth: more would be noise. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}
