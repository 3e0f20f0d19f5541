/**
 * Variables that only a fork of Mastodon reads, or only a newer version: the configuration file names them, Consul has
 * their values.
 */
import { isSettingName } from "./schema.ts";
import { text } from "./types.ts";
import { type Reader, row, type VariableSpec } from "./variable.ts";
import { VARIABLES } from "./variables.ts";

/** What the configuration says of one. */
export interface OwnVariable {
  readonly secret: boolean;
  /** Units that read it. */
  readonly units: readonly Reader[];
}

export type OwnVariables = ReadonlyMap<string, VariableSpec>;

export const NO_OWN_VARIABLES: OwnVariables = new Map();

export function ownVariables(named: Readonly<Record<string, OwnVariable>>): OwnVariables {
  return new Map(
    Object.entries(named).map(([name, { secret, units }]) => row(name, text("(a text)"), units, { secret })),
  );
}

/** Why a name cannot be one, as the end of "NAME: ..."; undefined if it can. */
export function whyNotOwn(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
    return "a name has only letters, digits and _, and does not begin with a digit";
  if (isSettingName(name)) return "a setting has that name";
  if (VARIABLES.has(name)) return "the agent knows this variable; see docs/settings.md for how to set it";
  return isActedOn(name)
    ? "its value would come from Consul, and a loader, a shell, an interpreter or a library acts on it"
    : undefined;
}

/** Programs that Mastodon starts inherit what is in its file, so the same counts for what they act on. */
function isActedOn(name: string): boolean {
  return ACTED_ON.some((pattern) => pattern.test(name.toUpperCase()));
}

const ACTED_ON: readonly RegExp[] = [
  // The loader and the C library.
  /^(LD|DYLD|GLIBC|MALLOC|JEMALLOC|TCMALLOC)_/,
  /^_?RLD/,
  /^(GCONV_PATH|GETCONF_DIR|LOCPATH|NLSPATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN|RESOLV_.*)$/,
  // Shells, and what every program asks for its surroundings.
  /^(PATH|HOME|SHELL|USER|LOGNAME|MAIL|PWD|OLDPWD|TMPDIR|TMP|TEMP|TERM|TERMCAP|TERMINFO.*|LANG|LANGUAGE|LC_.*|TZ|TZDIR)$/,
  /^(ENV|IFS|OPTIND|CDPATH|FPATH|ZDOTDIR|GLOBIGNORE|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|PS\d|BASH_.*)$/,
  /^(EDITOR|VISUAL|PAGER|BROWSER|.*_ASKPASS|SUDO_.*|DOAS_.*|SSH_.*|GIT_.*|XDG_.*)$/,
  // Interpreters and their package managers.
  /^(RUBY|GEM_|BUNDLE|RBENV_|RVM_|IRB|RAKE|SPRING_|BOOTSNAP_|DOTENV)/,
  /^(RAILS_ENV|RAILS_MASTER_KEY|RACK_ENV|APP_ENV)$/,
  /^(NODE_|NPM_|YARN_|COREPACK_|UV_|V8_)/,
  /^(PYTHON|PERL|PHP|LUA_|JAVA_|JDK_|_JAVA|CLASSPATH)/,
  // Libraries: what they load, trust or write to.
  /^(OPENSSL_|SSL_|SSLKEYLOGFILE)/,
  /^PG(?!HERO_)/,
  /^(MAGICK_|VIPS|G_|GIO_|GST_|GS_|FONTCONFIG_|FFREPORT|FREI0R|LADSPA|LIBVA|VDPAU)/,
  // Whoever starts the units, and the agent's own.
  /^(SYSTEMD_|LISTEN_(PID|FDS|FDNAMES)$|NOTIFY_SOCKET$|JOURNAL_STREAM$|CREDENTIALS_DIRECTORY$|CONSUL_|POT_|_POT_)/,
  // Rails takes any of these before what database.yml says.
  /DATABASE_URL$/,
];
