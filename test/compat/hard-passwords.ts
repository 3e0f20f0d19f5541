/** What node-postgres, ioredis, libpq and redis-client all have to understand, from the same file. */
export const HARD_PASSWORDS: readonly string[] = [
  "with space",
  `it's "quoted"`,
  "$HOME`id`#x",
  "back\\slash",
  "per%41cent",
  "a:b@c/d?e#f&g",
  "päss=wörd",
];
