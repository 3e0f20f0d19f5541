export type Task = (signal: AbortSignal) => Promise<void>;

/**
 * Runs tasks side by side until one ends or the signal aborts, then ends them all and waits for each. The first error
 * is thrown.
 */
export async function together(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const both = AbortSignal.any([signal, end.signal]);
  const errors: unknown[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(both);
      } catch (error) {
        errors.push(error);
      }
      end.abort();
    }),
  );
  if (errors.length > 0) throw errors[0];
}
