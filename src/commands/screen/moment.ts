/** Times as people say them: in this machine's zone, and how long ago. */

/** `09:12:44` on the day itself, `2026-11-23 09:12` before. */
export function timeOf(iso: string, now: Date): string {
  const local = localTime(iso);
  const [day, time = ""] = local.split(" ");
  return day === localTime(now.toISOString()).split(" ")[0] ? time : local.slice(0, -3);
}

/** `2026-11-24 09:12:44` */
export function localTime(iso: string): string {
  const date = new Date(iso);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":")}`;
}

/** `12 s`, `5 min`, `3 h`, `2 d` */
export function ageOf(iso: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** `214 ms`, `2.1 s`, `95 s` */
export function lengthOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
