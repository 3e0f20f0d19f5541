import type { Status, UnitStatus, WatchStatus } from "../status.ts";
import { endpointViews, levelOf } from "./endpoint-view.ts";
import { STATE_TONES, type Tone, UNCHECKED } from "./tone.ts";
import { address, count } from "./words.ts";

/** One box of the picture. */
export interface Box {
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  readonly tone: Tone;
  readonly word: string;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly tone: Tone;
}

/** The path of a value: from its source, into the files, to the units that read them. */
export interface Flow {
  readonly sources: readonly Box[];
  readonly endpoints: readonly Box[];
  readonly files: readonly Box[];
  readonly units: readonly Box[];
  /** From sources to endpoints and from files to units. Every endpoint is connected to every file. */
  readonly edges: readonly Edge[];
}

export function flowOf(status: Status): Flow {
  return {
    sources: sourceBoxes(status),
    endpoints: [...endpointBoxes(status), ...settingsBox(status)],
    files: fileBoxes(status),
    units: Object.entries(status.units).map(([name, unit]) => unitBox(name, unit)),
    edges: [...sourceEdges(status), ...fileEdges(status)],
  };
}

const SOURCES = [
  { id: "kv", title: "Consul KV", levels: ["node", "shared"], watches: /^kv / },
  { id: "catalogue", title: "Catalogue", levels: ["catalogue"], watches: /^(service|patroni) / },
  { id: "environment", title: "Environment", levels: ["environment"], word: "read" },
  { id: "live", title: "Live file", levels: ["live file"], word: "carried over" },
  { id: "default", title: "Defaults", levels: ["default"], word: "built in" },
] as const;

const OTHER_SETTINGS = "other settings";

function sourceBoxes({ settings, watches, consul }: Status): readonly Box[] {
  return SOURCES.flatMap(({ id, title, levels, ...source }): readonly Box[] => {
    const winners = settings.filter((setting) => levels.some((level) => level === setting.in_force?.level));
    // Nobody needs to be told of a file that was there before, unless something of it is still there.
    if (id === "live" && winners.length === 0) return [];
    const detail = count(winners.length, "value");
    if ("word" in source) return [{ id, title, detail, tone: "ok", word: source.word }];
    const own = watches.filter(({ name }) => source.watches.test(name));
    return [{ id, title, detail, ...watchTone(own, consul.connected) }];
  });
}

function watchTone(watches: readonly WatchStatus[], connected: boolean): Pick<Box, "tone" | "word"> {
  if (watches.length === 0) return { tone: "none", word: "not watched" };
  if (!connected || watches.some(({ problem }) => problem !== null))
    return { tone: "held", word: "not reachable" };
  return watches.some(({ last_answer_at }) => last_answer_at === null)
    ? { tone: "busy", word: "no answer yet" }
    : { tone: "ok", word: "answers" };
}

function endpointBoxes(status: Status): readonly Box[] {
  return endpointViews(status).map(({ name, endpoint: { host, port }, tone, word }) => ({
    id: name,
    title: name,
    detail: host === null ? "nowhere" : address({ host, port }),
    tone,
    word,
  }));
}

function settingsBox({ settings, missing }: Status): readonly Box[] {
  if (settings.length === 0) return [];
  const inForce = settings.filter((setting) => setting.in_force !== null);
  const refused = settings.filter((setting) => setting.refused.length > 0).length;
  const waiting = settings.filter((setting) => setting.waiting !== null).length;
  const rows: readonly (readonly [number, Tone, string])[] = [
    [missing.length, "held", "missing"],
    [refused, "bad", "refused"],
    [waiting, "held", "waiting"],
  ];
  const [amount, tone, word] = rows.find(([found]) => found > 0) ?? [];
  const state =
    tone === undefined ? ({ tone: "ok", word: "complete" } as const) : { tone, word: `${amount} ${word}` };
  return [{ id: OTHER_SETTINGS, title: "settings", detail: `${inForce.length} in force`, ...state }];
}

function fileBoxes(status: Status): readonly Box[] {
  return status.files.map(({ path }) => ({
    id: path,
    title: baseName(path),
    detail: path,
    ...fileTone(status),
  }));
}

/** All files belong to one set: they are all as requested, or not. */
function fileTone({ state, desired, applied }: Status): Pick<Box, "tone" | "word"> {
  if (desired !== null && desired === applied) return { tone: "ok", word: "in force" };
  if (state === "failed") return { tone: "bad", word: "rolled back" };
  return state === "held"
    ? { tone: "held", word: "held" }
    : { tone: STATE_TONES[state], word: "not in force" };
}

function unitBox(name: string, unit: UnitStatus): Box {
  return { id: name, title: name, detail: unit.reason, ...unitTone(unit) };
}

export function unitTone({
  healthy,
  current,
}: Pick<UnitStatus, "healthy" | "current">): Pick<Box, "tone" | "word"> {
  if (healthy === false) return { tone: "bad", word: "failing" };
  if (!current) return { tone: "held", word: "waiting for a reload" };
  return healthy === null ? UNCHECKED : { tone: "ok", word: "healthy" };
}

function sourceEdges(status: Status): readonly Edge[] {
  const endpoints = endpointViews(status).flatMap(({ name, endpoint, tone }) => {
    const from = sourceOf(levelOf(endpoint));
    return from === undefined ? [] : [{ from, to: name, tone }];
  });
  const levels = new Set(status.settings.map((setting) => sourceOf(setting.in_force?.level)));
  const settings = [...levels].flatMap((from) =>
    from === undefined ? [] : [{ from, to: OTHER_SETTINGS, tone: "none" } as const],
  );
  return [...endpoints, ...settings];
}

function fileEdges(status: Status): readonly Edge[] {
  const { files, units } = status;
  return files.flatMap(({ path, units: readers }) =>
    readers.flatMap((to) => {
      const unit = units[to];
      return unit === undefined ? [] : [{ from: path, to, tone: unitTone(unit).tone }];
    }),
  );
}

function sourceOf(level: string | null | undefined): string | undefined {
  return SOURCES.find(({ levels }) => levels.some((each) => each === level))?.id;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
