import type { Random } from "./random.ts";

/** What operators ask for by KV and environment, and what `.env.production` has to say then. */
export class Wishes {
  readonly #kv = new Map<string, string>();
  #environment: Readonly<Record<string, string>> = {};

  note(key: string, value: string): void {
    this.#kv.set(key, value);
  }

  forget(key: string): void {
    this.#kv.delete(key);
  }

  get entries(): readonly (readonly [string, string])[] {
    return [...this.#kv];
  }

  /** Keys that nobody may take: they have to go before the end. */
  get badKeys(): readonly string[] {
    const good = new Set(GOOD.flatMap(({ place }) => LEVELS.map((level) => `${level}${place}`)));
    return [...this.#kv.keys()].filter((key) => !good.has(key));
  }

  /** Keys with a good name, whatever their value is. */
  get goodKeys(): readonly string[] {
    const bad = new Set(this.badKeys);
    return [...this.#kv.keys()].filter((key) => !bad.has(key));
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  bear(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }

  /** The variables as they were at first, but for what is wished otherwise; undefined: no line. */
  expected(atFirst: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const wished = GOOD.flatMap(({ variable, place }) => {
      const value =
        this.#kv.get(`${NODE}${place}`) ??
        this.#kv.get(`${SHARED}${place}`) ??
        this.#environment[place.replace("settings/", "")];
      return value === undefined ? [] : [[variable, value] as const];
    });
    return { ...atFirst, ...Object.fromEntries(wished) };
  }
}

const SHARED = "mastodon/";
const NODE = "mastodon/nodes/jail1/";
const LEVELS = [SHARED, NODE] as const;

interface Good {
  readonly place: string;
  readonly variable: string;
  readonly make: (random: Random) => string;
}

const name = (random: Random) => `h${random.integer(1, 999)}.example.org`;
const HARD = ["$HOME", "$(id)", "a b", '"q"', "it's", "#5", "`x`", "äöü", "%{v}", "{{v}}", "=", ";"] as const;

/** Every wish that changes one variable and nothing else. */
const GOOD: readonly [Good, ...Good[]] = [
  { place: "settings/MAILHOST", variable: "SMTP_SERVER", make: name },
  { place: "settings/MAILPORT", variable: "SMTP_PORT", make: (random) => `${random.integer(1, 65_535)}` },
  { place: "settings/MAILUSER", variable: "SMTP_LOGIN", make: (random) => `u${random.integer(1, 999)}` },
  {
    place: "settings/MAILPASS",
    variable: "SMTP_PASSWORD",
    make: (random) => `p${random.integer(1, 999)}${random.pick(HARD)}`,
  },
  {
    place: "settings/MAILFROM",
    variable: "SMTP_FROM_ADDRESS",
    make: (random) => `n${random.integer(1, 999)}@example.org`,
  },
  { place: "settings/BUCKETALIAS", variable: "S3_ALIAS_HOST", make: name },
  { place: "settings/BUCKETREGION", variable: "S3_REGION", make: (random) => `eu-${random.integer(1, 9)}` },
  {
    place: "settings/BUCKETUSER",
    variable: "AWS_ACCESS_KEY_ID",
    make: (random) => `k${random.integer(1, 99)}`,
  },
  {
    place: "env/SINGLE_USER_MODE",
    variable: "SINGLE_USER_MODE",
    make: (random) => String(random.chance(0.5)),
  },
  { place: "env/DB_POOL", variable: "DB_POOL", make: (random) => `${random.integer(5, 50)}` },
  {
    place: "env/LOG_LEVEL",
    variable: "LOG_LEVEL",
    make: (random) => random.pick(["debug", "info", "warn"]),
  },
  {
    place: "env/DEFAULT_LOCALE",
    variable: "DEFAULT_LOCALE",
    make: (random) => random.pick(["en", "de", "fr"]),
  },
];

/** Values that have to be refused: by their type, by their name, or because nothing works with them. */
const BAD: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ["settings/MAILPORT", "http"],
  ["settings/MAILPORT", "70000"],
  ["settings/MAILHOST", "$(reboot)"],
  ["settings/MAILFROM", "one line\nand another"],
  ["settings/BUCKETALIAS", ""],
  ["settings/MAILHOTS", "smtp.example.org"],
  ["settings/GOSSIPKEY", "pUqJrVyVRj5jsiYEkM/tFQ=="],
  ["env/DB_POOL", "-1"],
  ["env/SECRET_KEY_BASE", "0".repeat(128)],
  ["env/NO_SUCH_VARIABLE", "1"],
  ["env/REDIS_URL", ""],
  ["settings/DBPASS", "a wrong password"],
  ["settings/DBPORT", "1"],
  ["settings/REDISPASS", "a wrong password"],
  ["settings/REDISPORT", "1"],
];

export function goodWish(random: Random): readonly [key: string, value: string] {
  const { place, make } = random.pick(GOOD);
  return [`${random.pick(LEVELS)}${place}`, make(random)];
}

export function badWish(random: Random): readonly [key: string, value: string] {
  const [place, value] = random.pick(BAD);
  return [`${random.pick(LEVELS)}${place}`, value];
}

/** A good value for a key with a good name. */
export function remedy(key: string, random: Random): string {
  const good = GOOD.find(({ place }) => LEVELS.some((level) => `${level}${place}` === key));
  if (good === undefined) throw new Error(`${key} is no good name`);
  return good.make(random);
}

/** Another environment for the next start of the agent. */
export function birth(random: Random): Readonly<Record<string, string>> {
  return { MAILHOST: name(random), MAILPORT: `${random.integer(1, 65_535)}` };
}
