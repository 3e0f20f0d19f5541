/** Pieces that one parser of dotenv files or the other gives a meaning to, and some that look like it. */
const PIECES = [
  ..."'\"\\#$`(){}=:;&|!*~%@<> \tabnrZ0_-.,+/é😀",
  "\\n",
  "\\\\",
  "$(id)",
  "\u0024{A}",
  "$A",
  " #",
  "export ",
  "A=",
  "''",
  '""',
  "\v",
  "\f",
  "\x01",
  "\x7f",
  "\u0085",
  "\u00a0",
  "\u3000",
  "\ufeff",
  "\u2028",
];
const MOST_PIECES = 7;

/** The same values every time, so that a failure can be looked at twice. */
export function* hardValues(count: number, seed = 42): Generator<string> {
  const random = lcg(seed);
  for (let i = 0; i < count; i++) {
    const length = random(MOST_PIECES + 1);
    yield Array.from({ length }, () => PIECES[random(PIECES.length)]).join("");
  }
}

/** Numerical Recipes' linear congruential generator; its high bits are good enough to choose by. */
function lcg(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
