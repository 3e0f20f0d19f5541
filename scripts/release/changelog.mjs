// CHANGELOG.md, as Keep a Changelog has it: a heading for what is unreleased, then one for each release. Pure.

const UNRELEASED = "## Unreleased\n";
const RELEASE = /^## (\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?) - (\d{4}-\d{2}-\d{2})$/gm;

/** Versions and dates, the newest first. */
export function releasesIn(changelog) {
  return [...changelog.matchAll(RELEASE)].map(([, version, date]) => ({ version, date }));
}

/** What stands below "Unreleased"; empty where nothing does, or where there is no such heading. */
export function unreleasedIn(changelog) {
  const [, rest = ""] = changelog.split(UNRELEASED);
  return (rest.split(/^## /m)[0] ?? "").trim();
}

/** The same with what was unreleased below the heading of this release, and nothing unreleased. */
export function released(changelog, { version, date }) {
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n## ${version} - ${date}\n`);
}
