/** Sections, their entries and the entries' fields are merged by name: `units`, `web`, `health`. */
const MERGED_LEVELS = 3;

/**
 * Merges the user's configuration over a profile's: the value of an entry's field is replaced as a whole, and `null`
 * removes a name (`nginx: null` switches a file or a unit off).
 */
export function overlay(base: unknown, over: unknown, levels = MERGED_LEVELS): unknown {
  if (!isGroup(over) || levels === 0) return over;
  const merged = new Map(Object.entries(isGroup(base) ? base : {}));
  for (const [name, value] of Object.entries(over)) {
    if (value === null) merged.delete(name);
    else merged.set(name, overlay(merged.get(name), value, levels - 1));
  }
  return Object.fromEntries(merged);
}

export function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
