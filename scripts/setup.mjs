// Makes a fresh clone ready: npm's packages, the real programs of the demo or of the tests, the build. Plain
// JavaScript without dependencies, because it runs before there are any, on whatever Node the machine has.
//
//   node scripts/setup.mjs [dependencies] [demo] [world] [build]     (for the tests when none is named)

import { buildStep } from "./setup/build.mjs";
import { consulStep } from "./setup/consul.mjs";
import { debianStep, syslogStep } from "./setup/debian.mjs";
import { demoStep } from "./setup/demo.mjs";
import { npmStep } from "./setup/npm.mjs";
import { Progress } from "./setup/progress.mjs";

/** A step says what is missing (nothing: false) and brings it; it is asked again on every start. */
const STEPS = {
  dependencies: [npmStep],
  demo: [demoStep, consulStep],
  world: [syslogStep, debianStep, consulStep],
  build: [buildStep],
};
const FOR_TESTS = ["dependencies", "world", "build"];

process.exitCode = await setUp(process.argv.slice(2));

async function setUp(names) {
  const unknown = names.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown !== undefined) {
    console.error(`setup: there is no step "${unknown}"; steps: ${Object.keys(STEPS).join(", ")}`);
    return 64;
  }
  const wanted = names.length === 0 ? FOR_TESTS : names;
  const asked = wanted
    .flatMap((name) => STEPS[name])
    .map(async (step) => ({ step, missing: await step.missing() }));
  const open = (await Promise.all(asked)).filter(({ missing }) => missing !== false);
  announce(open);
  for (const { step, missing } of open) {
    if (!(await done(step, missing))) return 69;
  }
  return 0;
}

/** What will be where, before any of it is. */
function announce(open) {
  if (open.length === 0) return;
  console.error("setup: needed first, and only once:");
  for (const [place, what] of open.map(({ step, missing }) => step.brings(missing))) {
    console.error(`  ${place.padEnd(14)} ${what}`);
  }
}

async function done(step, missing) {
  const progress = new Progress(step.title);
  try {
    await step.bring(missing, progress);
    progress.succeed();
    return true;
  } catch (error) {
    progress.fail(error.message);
    return false;
  }
}
