/** How times, durations and addresses are written on the page. */
import { addressOf, bracketed } from "../../base/address.ts";
import { type Html, html } from "./html.ts";

/** A moment in UTC. The page's script adds its age, "(12 s ago)", and keeps that current without announcing it. */
export function moment(iso: string): Html {
  return html`<span class="moment"><time datetime="${iso}">${utc(iso)}</time><span class="ago" aria-live="off"></span></span>`;
}

export function utc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

export function durationText(ms: number): string {
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function address({ host, port }: { readonly host: string; readonly port: number | null }): string {
  return port === null ? bracketed(host) : addressOf({ host, port });
}

export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}
