// Versions as Semantic Versioning has them, as much as a release needs of it.

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?$/;

export function isVersion(text) {
  return VERSION.test(text);
}

/** Whether the numbers of `a` are behind those of `b`; what follows a hyphen is not compared. */
export function isOlder(a, b) {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at !== -1 && left[at] < right[at];
}

function numbersOf(version) {
  return VERSION.exec(version).slice(1, 4).map(Number);
}
