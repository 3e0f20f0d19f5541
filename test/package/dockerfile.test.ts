import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const dockerfile = await readFile("Dockerfile.test", "utf8");
const instructions = dockerfile.split("\n").filter((line) => /^[A-Z]+ /.test(line));

test("the image is set up by the clone's own script and by nothing else", () => {
  const commands = instructions.filter((line) => line.startsWith("RUN "));
  expect(commands).not.toEqual([]);
  for (const command of commands) expect(command).toMatch(/^RUN node scripts\/setup\.mjs( [a-z]+)+$/);
  const steps = commands.flatMap((command) => command.split(" ").slice(3));
  expect(steps.toSorted()).toEqual(["build", "dependencies", "world"]);
});

test("the image runs the tests as a clone does", () => {
  expect(instructions.at(-1)).toBe('CMD ["npm", "test"]');
});

test("the image has the clone's history, which some tests need", async () => {
  expect((await readFile(".dockerignore", "utf8")).split("\n")).not.toContain(".git");
});
