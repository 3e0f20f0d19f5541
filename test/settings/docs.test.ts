import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { SETTING_NAMES, settingSpec } from "../../src/settings/schema.ts";
import type { VariableSpec } from "../../src/settings/variable.ts";
import { VARIABLE_NAMES, VARIABLES } from "../../src/settings/variables.ts";

const page = await readFile(path.join(import.meta.dirname, "..", "..", "docs", "settings.md"), "utf8");

test("docs/settings.md has every setting with what is expected of it", () => {
  for (const name of SETTING_NAMES) {
    expect(page).toContain(
      `| \`${name}\` | ${settingSpec(name).about} | ${settingSpec(name).type.expected.replaceAll("|", "\\|")}`,
    );
  }
});

test("docs/settings.md has every variable that can be put, with its readers, and why the others cannot", () => {
  for (const name of VARIABLE_NAMES) {
    const spec = VARIABLES.get(name);
    if (spec?.origin.kind === "operator") expect(page).toContain(`\n${rowOf(name, spec)}\n`);
    if (spec?.origin.kind === "machine") expect(page, name).toContain(`\`${name}\``);
    if (spec?.origin.kind === "barred")
      expect(page, name).toContain(`| \`${name}\` | ${spec.origin.reason} |`);
  }
});

function rowOf(name: string, spec: VariableSpec): string {
  const { type, secret, readers, processReaders, since, removed } = spec;
  const byDefault = spec.default === undefined ? "" : ` (by default ${spec.default})`;
  const cells = [
    `\`${name}\`${secret ? " (secret)" : ""}`,
    `${type.expected.replaceAll("|", "\\|")}${byDefault}`,
    [readers.join(", "), processReaders.length > 0 && `${processReaders.join(", ")} (restart)`]
      .filter(Boolean)
      .join("; "),
    [since && `since ${since}`, removed && `before ${removed}`].filter(Boolean).join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
}
