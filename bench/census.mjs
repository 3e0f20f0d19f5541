// Loaded into the agent by the soak: at SIGUSR2 it writes down what the process holds open, in the file named by CENSUS.
import { writeFileSync } from "node:fs";

process.on("SIGUSR2", () => {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  writeFileSync(process.env.CENSUS, JSON.stringify(counts));
});
