/** What the page consists of besides itself. Only what is named here is served: no path is made from a request. */

export const ASSETS = [
  ...[
    "tones.css",
    "base.css",
    "prose.css",
    "page.css",
    "flow.css",
    "timeline.css",
    "lists.css",
    "manual.css",
  ],
  ...[
    "page.js",
    "live.js",
    "away.js",
    "swap.js",
    "ages.js",
    "copy.js",
    "filter.js",
    "timeline.js",
    "axis.js",
  ],
] as const;

/** The pages of docs/, without their extension. */
export const MANUAL = [
  ...["apply", "certificates", "commands", "compatibility", "configuration", "consul", "database"],
  ...["dependencies", "failover", "guarantees", "install-freebsd-pot", "install-linux", "keys", "kv", "logs"],
  ...["mail", "metrics", "migrate", "operating", "performance", "problems", "remote-logs", "settings"],
  ...["status-page", "templates"],
] as const;

export type ManualName = (typeof MANUAL)[number];
