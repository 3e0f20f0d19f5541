import { type Complaint, sentence } from "../base/errors.ts";
import { isCrossWired } from "./crosswired.ts";
import type { KeyFile } from "./files.ts";
import { liveValuesOf } from "./live.ts";
import type { KeyFileName } from "./names.ts";
import { keyPath } from "./storage.ts";
import type { KeyFileState, KeySurvey } from "./survey.ts";

/** Fingerprints by key file name; undefined when Consul could not be asked. */
export type PinnedFingerprints = ReadonlyMap<KeyFileName, string> | undefined;

/**
 * Every reason not to work with these keys, the deepest first: the storage, the files, what Mastodon runs with, what
 * the domain's other nodes have. Pure.
 */
export function refusals(survey: KeySurvey, pinned: PinnedFingerprints): readonly Complaint[] {
  const files = [...survey.files];
  return withoutRepeats([
    ...survey.complaints,
    ...files.flatMap(([, state]) => (state.kind === "broken" ? [state.complaint] : [])),
    ...files.flatMap(([file, state]) => liveRefusal(survey, file, state)),
    ...files.flatMap(([file, state]) => pinRefusal(survey, file, state, pinned?.get(file.name))),
  ]);
}

/** All files behind one closed folder have the same complaint. */
function withoutRepeats(complaints: readonly Complaint[]): readonly Complaint[] {
  return [...new Map(complaints.map((complaint) => [sentence(complaint), complaint])).values()];
}

/** Two nodes of one domain have different keys: `where` is the file that is not the pinned one. */
export function foreignKey(where: string, fingerprint: string, pin: string): Complaint {
  return {
    what: `its fingerprint is ${fingerprint}, but ${pin} is pinned in Consul for this domain: these are other keys`,
    where,
    cure: "Copy the key files from a node that has the pinned ones (`mastodon-agent keys show` prints fingerprints). Do not make new ones: sessions, second factors and push subscriptions depend on them.",
  };
}

function liveRefusal({ storage, live }: KeySurvey, file: KeyFile, state: KeyFileState): readonly Complaint[] {
  if (live === undefined || state.kind === "broken") return [];
  const values = liveValuesOf(file, live);
  const where = live.file;
  const keyFile = keyPath(storage, file.name);
  if (state.kind === "missing") {
    if (values.size === 0) return [];
    return [{ what: `it has ${names(values.keys())}, but ${keyFile} is missing`, where, cure: ADOPT }];
  }
  const differing = [...values].filter(([variable, value]) => {
    const own = state.key.values.get(variable)?.reveal() ?? "";
    return file.canonical(variable, own) !== file.canonical(variable, value);
  });
  if (differing.length === 0) return [];
  const what = isCrossWired(state.key, values)
    ? `it has the three encryption values of ${keyFile} in each other's places, and Mastodon has encrypted with them as they are`
    : `its ${names(differing.map(([variable]) => variable))} differs from ${keyFile}`;
  return [{ what, where, cure: ADOPT }];
}

function pinRefusal(
  { storage }: KeySurvey,
  file: KeyFile,
  state: KeyFileState,
  pin: string | undefined,
): readonly Complaint[] {
  if (pin === undefined || state.kind === "broken") return [];
  const where = keyPath(storage, file.name);
  if (state.kind === "present")
    return state.key.fingerprint === pin ? [] : [foreignKey(where, state.key.fingerprint, pin)];
  // A creation that was interrupted after its key was pinned will be finished.
  if (state.started?.fingerprint === pin) return [];
  return [
    {
      what: `it is missing, but its fingerprint ${pin} is pinned in Consul for this domain`,
      where,
      cure: LOST,
    },
  ];
}

function names(variables: Iterable<string>): string {
  return [...variables].join(", ");
}

const ADOPT =
  "Mastodon has been running with the values of this file, so they are the ones to keep: run `mastodon-agent keys adopt`. Only if no Mastodon ever ran with them, remove them from this file.";
const LOST =
  "The storage was lost or replaced: copy the key files from another node of this domain or from a backup. Do not make new ones: sessions, second factors and push subscriptions depend on them.";
