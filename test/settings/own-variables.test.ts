import { expect, test } from "vitest";
import { whyNotOwn } from "../../src/settings/own-variables.ts";

test.each([
  ...["MAX_TOOT_CHARS", "MAX_BIO_CHARS", "ATTACHMENT_HOST", "EMOJI_REACTION_LIMIT", "HOME_TIMELINE_SIZE"],
  ...["PATHFINDER", "USER_LIMIT", "TERMS_URL", "PGHERO_USERNAME", "https_only", "_private", "GITHUB_TOKEN"],
])("%s may be a variable of a fork's", (name) => {
  expect(whyNotOwn(name)).toBeUndefined();
});

test.each([
  ...[
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "GCONV_PATH",
    "MALLOC_ARENA_MAX",
    "HOSTALIASES",
  ],
  ...["PATH", "HOME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL"],
  ...["ENV", "BASH_ENV", "IFS", "PS4", "PROMPT_COMMAND", "SHELLOPTS"],
  ...["EDITOR", "PAGER", "BROWSER", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME"],
  ...["RUBYOPT", "RUBYLIB", "RUBY_YJIT_ENABLE", "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "BUNDLER_VERSION"],
  ...["BOOTSNAP_CACHE_DIR", "DOTENV_LINEBREAK_MODE", "RAILS_ENV", "RACK_ENV", "RAILS_MASTER_KEY"],
  ...[
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_ENV",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_PREFIX",
    "YARN_RC_FILENAME",
  ],
  ...["PYTHONPATH", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT", "JAVA_TOOL_OPTIONS", "LUA_PATH"],
  ...["OPENSSL_CONF", "OPENSSL_MODULES", "SSL_CERT_FILE", "SSLKEYLOGFILE", "PGSERVICEFILE", "PGPASSFILE"],
  ...["MAGICK_CONFIGURE_PATH", "VIPSHOME", "FFREPORT", "FONTCONFIG_FILE", "GIO_EXTRA_MODULES"],
  ...["NOTIFY_SOCKET", "LISTEN_FDS", "CONSUL_HTTP_TOKEN", "PRIMARY_DATABASE_URL"],
  ...["ld_preload", "Path", "RubyOpt"],
])("%s may not: something acts on it", (name) => {
  expect(whyNotOwn(name)).toMatch(/acts on it|knows this variable/);
});

test.each([
  ["1ST", /letters, digits and _/],
  ["A-B", /letters, digits and _/],
  ["A.B", /letters, digits and _/],
  ["", /letters, digits and _/],
  ["DBHOST", /a setting has that name/],
  ["OIDC_ENABLED", /knows this variable/],
  ["SECRET_KEY_BASE", /knows this variable/],
])("%j may not, for another reason", (name, reason) => {
  expect(whyNotOwn(name)).toMatch(reason);
});
