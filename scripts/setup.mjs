// Makes a fresh clone ready: npm's packages, the real programs of the test world, the build. Plain JavaScript
// without dependencies, because it runs before there are any, on whatever Node >= 18 the machine has.
//
//   node scripts/setup.mjs [dependencies] [world] [build]     (all of them when none is named)

import { buildStep } from "./setup/build.mjs";
import { consulStep } from "./setup/consul.mjs";
import { debianStep } from "./setup/debian.mjs";
import { npmStep } from "./setup/npm.mjs";
import { Progress } from "./setup/progress.mjs";

/** A step says what is missing (nothing: false) and brings it; it is asked again on every start. */
const STEPS = {
  dependencies: [npmStep],
  world: [debianStep, consulStep],
  build: [buildStep],
};

process.exitCode = await setUp(process.argv.slice(2));

async function setUp(names) {
  const unknown = names.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown !== undefined) {
    console.error(`setup: there is no step "${unknown}"; steps: ${Object.keys(STEPS).join(", ")}`);
    return 64;
  }
  const wanted = names.length === 0 ? Object.keys(STEPS) : names;
  for (const step of wanted.flatMap((name) => STEPS[name])) {
    if (!(await done(step))) return 69;
  }
  return 0;
}

async function done(step) {
  const missing = await step.missing();
  if (missing === false) return true;
  const progress = new Progress(step.title);
  try {
    await step.bring(missing, (line) => progress.detail(line));
    progress.succeed();
    return true;
  } catch (error) {
    progress.fail(error.message);
    return false;
  }
}
