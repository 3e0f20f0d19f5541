/**
 * `npm run test:chaos [-- --seed N --minutes M]`: random faults and moves against a real world, from a seed that is
 * printed first. Then all is healed, and the agent has to end where the sources point, with nothing lost or left.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import * as z from "zod";
import { randomFrom } from "./random.ts";
import { playStory } from "./story.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "10" },
    /** Every move as it is made. */
    moves: { type: "boolean", default: false },
  },
});
const minutes = z.coerce.number().positive().max(1_440).parse(values.minutes);
const seed = z.coerce
  .number()
  .int()
  .nonnegative()
  .max(2 ** 32 - 1)
  .parse(values.seed ?? randomInt(2 ** 32));

console.log(`seed ${seed}: npm run test:chaos -- --seed ${seed} --minutes ${minutes}`);
try {
  await playStory({ random: randomFrom(seed), minutes, say: console.log, tell: values.moves });
  console.log("chaos: all is as it has to be");
} catch (error) {
  console.error(`chaos: seed ${seed} failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
