import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Ends the output with one plain line of real counts, `N passed, N failed`. What could not even be loaded, a
 * hook that failed and an error outside any test are failures too, else a broken run could read as a good one.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const states = modules
      .flatMap((module) => [...module.children.allTests()])
      .map((test) => test.result().state);
    const count = (state: (typeof states)[number]) => states.filter((each) => each === state).length;
    const broken = modules.reduce((sum, module) => sum + errorsOutsideTests(module), unhandledErrors.length);
    const skipped = count("skipped") + count("pending");
    const line = `${count("passed")} passed, ${count("failed") + broken} failed`;
    // The other reporters and vitest itself still have something to say.
    process.once("exit", () => console.log(skipped === 0 ? line : `${line}, ${skipped} skipped`));
  }
}

function errorsOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()];
  return [module, ...suites].filter((entity) => entity.errors().length > 0).length;
}
