import { preflight } from "../apply/preflight.ts";
import { Misconfigured, TryAgain, Unavailable } from "../base/errors.ts";
import { loadKeys } from "../keys/load.ts";
import type { TemplatedFile } from "../options/templates.ts";
import type { Options } from "../options.ts";
import type { Merged } from "../settings/merge.ts";
import { configuredFacts } from "./facts.ts";
import { keyStorageOf } from "./key-storage.ts";
import { renderInput } from "./render-input.ts";

const NOTHING_KNOWN: Merged = { settings: new Map(), variables: new Map(), missing: [] };

/**
 * Everything that can be refused without asking Consul, before anything on disk is touched.
 *
 * @throws Misconfigured
 */
export async function refuseEarly(options: Options): Promise<void> {
  refuseTemplates(options);
  await refusePlaces(options);
  await refuseKeys(options);
}

/** @throws Misconfigured for a name in a template that does not exist, in whatever branch */
export function refuseTemplates(options: Options): void {
  const input = renderInput(NOTHING_KNOWN, new Map(), configuredFacts(options), new Map(), options.own);
  for (const { template } of allFiles(options)) template.check(input);
}

/** @throws Misconfigured for places that cannot be written, owners that do not exist */
export async function refusePlaces(options: Options): Promise<void> {
  const [first, ...others] = await preflight(allFiles(options).map(({ spec }) => spec));
  if (first !== undefined) throw new Misconfigured(first, { others });
}

/**
 * Without pins nothing is created. Missing keys are no reason to refuse: they are created once Consul has been asked.
 *
 * @throws Misconfigured for keys that must not be used
 */
export async function refuseKeys(options: Options): Promise<void> {
  try {
    await loadKeys(keyStorageOf(options), undefined);
  } catch (error) {
    if (!(error instanceof TryAgain || error instanceof Unavailable)) throw error;
  }
}

/** The files that depend on settings, and the Consul client's. */
export function allFiles({ files, clientFile }: Options): readonly TemplatedFile[] {
  return clientFile === undefined ? files : [...files, clientFile];
}
