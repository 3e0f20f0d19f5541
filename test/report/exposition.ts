/** What Prometheus' text format holds, as far as the tests ask. */

export interface Family {
  readonly type: string;
  readonly labels: ReadonlySet<string>;
}

/** Values by `name{label="value",...}`, as the line has it. */
export function samplesIn(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line): [string, number] => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** By name, those without a sample as well. */
export function familiesIn(text: string): ReadonlyMap<string, Family> {
  const series = [...samplesIn(text).keys()];
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
      const own = series.filter((each) => familyOf(each.replace(/\{.*/, ""), type) === name);
      const labels = own.flatMap((each) => [...each.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => label));
      return [name, { type, labels: new Set(labels.filter((label) => label !== "le")) }];
    }),
  );
}

/** The names of ours that an expression, or any text, uses: without the endings of a histogram's series. */
export function namesIn(text: string, known: ReadonlyMap<string, Family>): readonly string[] {
  const names = [...text.matchAll(/\b(?:mastodon_agent|process)_[a-z_]+/g)].map(([name]) => name);
  return [...new Set(names.map((name) => (known.has(name) ? name : familyOf(name, "histogram"))))];
}

function familyOf(series: string, type: string): string {
  return type === "histogram" ? series.replace(/_(bucket|sum|count)$/, "") : series;
}
