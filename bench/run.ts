/**
 * `npm run bench`: what the agent costs and how fast it is, on this machine, with the bundle that users get. Prints
 * a table; absolute times say little, so each stands beside what Consul alone takes in the same run.
 */

import { measure } from "./measure.ts";
import { table } from "./table.ts";

const ROUNDS = 60;

const result = await measure(ROUNDS);
console.log(table(result));
