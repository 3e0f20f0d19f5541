import { expect, test } from "vitest";
import { MOVES } from "./moves.ts";
import { randomFrom } from "./random.ts";

test("the same seed gives the same sequence, another seed another one", () => {
  expect(story(7)).toEqual(story(7));
  expect(story(7)).not.toEqual(story(8));
});

test("every move gets its turn", () => {
  expect(new Set(story(1))).toEqual(new Set(MOVES.map(({ name }) => name)));
});

function story(seed: number): readonly string[] {
  const random = randomFrom(seed);
  return Array.from({ length: 1_000 }, () => random.weighed(MOVES).name);
}
