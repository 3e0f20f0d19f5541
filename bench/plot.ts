import { type Section, shown } from "./section.ts";

const WIDTH = 760;
const LABEL_WIDTH = 330;
const ROW_HEIGHT = 20;
const BAR_HEIGHT = 12;
const TITLE_HEIGHT = 40;
const PADDING = 16;

/** The sections that say what is to be plotted, as bars, in one SVG that reads on light and dark pages. */
export function plot(sections: readonly Section[], about: string): string {
  const parts: string[] = [];
  let y = PADDING + 20;
  for (const section of sections) {
    if (section.plotted === undefined) continue;
    parts.push(...bars(section, section.plotted, y));
    y += TITLE_HEIGHT + section.rows.length * ROW_HEIGHT;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + PADDING}" role="img" aria-label="Measured figures as bars">`,
    "<style>",
    "  svg { font: 12px ui-sans-serif, system-ui, sans-serif; background: #fff; color: #1b1b1f }",
    "  text { fill: currentColor } .title { font-weight: 600 } .about { opacity: .7 } rect { fill: #9aa0b5 } rect.own { fill: #5b5bd6 }",
    "  @media (prefers-color-scheme: dark) { svg { background: #16161a; color: #ececf1 } rect { fill: #70768c } rect.own { fill: #8f8ff5 } }",
    "</style>",
    `<text class="about" x="${PADDING}" y="${PADDING + 4}">${escaped(about)}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function bars({ title, rows }: Section, column: string, top: number): readonly string[] {
  const values = rows.map(({ figures }) => figures[column]);
  const longest = Math.max(...values.map((value) => (typeof value === "number" ? value : 0)));
  const room = WIDTH - LABEL_WIDTH - PADDING - 70;
  return [
    `<text class="title" x="${PADDING}" y="${top + 24}">${escaped(`${title}: ${column}`)}</text>`,
    ...rows.flatMap(({ name }, at) => {
      const value = values[at];
      const y = top + TITLE_HEIGHT + at * ROW_HEIGHT;
      const length = typeof value === "number" ? (Math.max(0, value) / (longest || 1)) * room : 0;
      const own = /^agent/.test(name) ? ' class="own"' : "";
      return [
        `<text x="${PADDING}" y="${y + 2}">${escaped(name)}</text>`,
        `<rect${own} x="${LABEL_WIDTH}" y="${y - 8}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
        `<text x="${(LABEL_WIDTH + length + 6).toFixed(1)}" y="${y + 2}">${escaped(shown(value))}</text>`,
      ];
    }),
  ];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
