import path from "node:path";
import { didYouMean } from "../base/nearest.ts";
import { PROFILE_UNITS } from "./profiles.ts";
import type { Config } from "./schema.ts";

/** What is wrong with one entry, and where in the configuration it is. */
export interface EntryFault {
  readonly path: readonly string[];
  readonly what: string;
  readonly cure: string;
}

/**
 * What no single entry of `files` shows by itself. Pure.
 *
 * @param switchedOff units that are in the file, but switched off
 */
export function fileFaults(config: Config, switchedOff: readonly string[]): readonly EntryFault[] {
  return [...unknownUnits(config, switchedOff), ...samePaths(config)];
}

/** A known unit may be missing here: one configuration of files serves machines that do not run all units. */
function unknownUnits({ files, units }: Config, switchedOff: readonly string[]): EntryFault[] {
  const known = [...new Set([...Object.keys(units), ...PROFILE_UNITS, ...switchedOff])];
  return Object.entries(files).flatMap(([name, { units: named = [] }]) =>
    named
      .filter((unit) => !known.includes(unit))
      .map((unit) => ({
        path: ["files", name, "units"],
        what: `files.${name}.units: there is no unit ${unit}, so nothing would be reloaded`,
        cure: didYouMean(unit, known),
      })),
  );
}

/** Each of two would replace what the other wrote, and both are staged under one name. */
function samePaths(config: Config): EntryFault[] {
  const first = new Map<string, string>();
  return placesOf(config).flatMap(([keys, place]) => {
    const target = path.resolve(place);
    const key = keys.join(".");
    const other = first.get(target);
    if (other === undefined) first.set(target, key);
    if (other === undefined) return [];
    return [
      {
        path: keys,
        what: `${other} and ${key}: both are ${target}`,
        cure: "Give one of them another path, or remove one (null).",
      },
    ];
  });
}

/** The key of each file that is written, with its path. */
function placesOf({ consul, files }: Config): readonly (readonly [readonly string[], string])[] {
  const { consul: ownClient, ...others } = files;
  const client = ownClient === undefined ? ["consul", "config_file"] : ["files", "consul", "path"];
  return [
    ...Object.entries(others).map(([name, spec]) => [["files", name, "path"], spec.path] as const),
    ...(consul.agent === "external" ? [] : [[client, ownClient?.path ?? consul.config_file] as const]),
  ];
}
