import leven from "leven";

/** The known word that was probably meant, or undefined when none is close enough to be worth suggesting. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = leven(word.toUpperCase(), candidate.toUpperCase());
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

/** The names of settings; those of Mastodon's variables would fill a screen. */
const LONGEST_LIST = 60;

/** A sentence for the `cure` of a complaint about an unknown name. */
export function didYouMean(word: string, known: readonly string[]): string {
  const candidate = nearest(word, known);
  if (candidate !== undefined) return `Did you mean ${candidate}?`;
  return known.length > LONGEST_LIST
    ? "docs/settings.md has the known names."
    : `Known names: ${known.join(", ")}.`;
}
