/** Numbers that a seed decides: the same seed makes the same story. */
export interface Random {
  /** At least `least`, at most `most`. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** A choice whose likelihood is its weight's share of all. */
  weighed<T extends { readonly weight: number }>(choices: readonly T[]): T;
}

const DIVISOR = 2 ** 32;

export function randomFrom(seed: number): Random {
  const next = mulberry32(seed);
  return {
    integer: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
    weighed: (choices) => {
      let rest = next() * choices.reduce((sum, { weight }) => sum + weight, 0);
      for (const choice of choices) {
        rest -= choice.weight;
        if (rest < 0) return choice;
      }
      throw new Error("nothing to choose from");
    },
  };
}

/** Tommy Ettinger's mulberry32: 32 bits of state, good enough to make up trouble. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / DIVISOR;
  };
}
