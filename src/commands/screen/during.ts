import type { Io } from "../io.ts";

/** What ends sooner needs no explanation. */
const SHOWN_AFTER_MS = 1000;

/** On a terminal it says what it is waiting for, if that takes long; otherwise it only does the work. */
export async function during<Result>(
  what: string,
  { isErrorTerminal }: Pick<Io, "isErrorTerminal">,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!isErrorTerminal) return work();
  using waiting = new DisposableStack();
  const timer = setTimeout(async () => {
    const { default: createSpinner } = await import("yocto-spinner");
    if (waiting.disposed) return;
    const spinner = createSpinner({ text: what }).start();
    waiting.defer(() => void spinner.stop());
  }, SHOWN_AFTER_MS);
  waiting.defer(() => clearTimeout(timer));
  return await work();
}
