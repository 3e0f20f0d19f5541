import { expect, test } from "vitest";
import { type Language, languageOf } from "../../src/render/language.ts";

const FILES: readonly (readonly [template: string, path: string, language: Language])[] = [
  ["env.production.hbs", "/usr/local/www/mastodon/.env.production", "dotenv"],
  ["mine.hbs", "/srv/mastodon/.env", "dotenv"],
  ["mine.hbs", "/mnt/mastodon/private/backup.env.production", "dotenv"],
  ["env.production.hbs", "/tmp/out", "dotenv"],
  ["nginx.conf.hbs", "/usr/local/etc/nginx/nginx.conf", "nginx"],
  ["site.hbs", "/etc/nginx/sites-enabled/mastodon.conf", "nginx"],
  ["consul.json.hbs", "/usr/local/etc/consul.d/agent.json", "json"],
  ["consul.hcl.hbs", "/etc/consul.d/agent.hcl", "hcl"],
  ["syslog-ng.conf.hbs", "/usr/local/etc/syslog-ng.conf", "syslog-ng"],
  ["rc.web.hbs", "/usr/local/etc/rc.conf.d/mastodon_web", "rc"],
  ["profile.hbs", "/usr/local/etc/profile.d/mastodon.sh", "sh"],
  ["prometheus.hbs", "/etc/prometheus.yml", "yaml"],
  ["sidekiq.hbs", "/srv/sidekiq.yaml", "yaml"],
  ["motd.hbs", "/etc/motd", "plain"],
  ["environment.hbs", "/etc/environment", "plain"],
];

test.each(FILES)("%s for %s is written as %3$s", (template, path, language) => {
  expect(languageOf(template, path)).toBe(language);
});
