import { bracketed, splitScheme, withScheme } from "../base/address.ts";
import { quote } from "../render/dotenv.ts";

/**
 * The types of values that settings and variables have. A type accepts a text and returns its canonical form, so that
 * two spellings of the same value reload nothing.
 */
export interface ValueType {
  /** Completes the sentence "expected ...". */
  readonly expected: string;
  readonly example: string;
  /** The canonical form, or undefined when the text is not of this type. */
  accept(text: string): string | undefined;
}

/** One line of text that `.env.production` can hold; every other type narrows it. */
export function text(example: string, maxCharacters = 4096): ValueType {
  return {
    expected: `one line of at most ${maxCharacters} characters, without control characters, not ending in \\, and not mixing ' and # with any of " \\ $ (dotenv cannot hold that)`,
    example,
    accept: (value) =>
      value.length > 0 &&
      value.length <= maxCharacters &&
      !CONTROL.test(value) &&
      !value.startsWith(BYTE_ORDER_MARK) &&
      quote(value) !== undefined
        ? value
        : undefined,
  };
}

/** A text that matches a pattern. */
export function matching(pattern: RegExp, expected: string, example: string): ValueType {
  return { expected, example, accept: (value) => (pattern.test(value) ? value : undefined) };
}

export function integer(min: number, max: number, example: string): ValueType {
  return {
    expected: `a whole number from ${min} to ${max}`,
    example,
    accept: (value) => {
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? String(number) : undefined;
    },
  };
}

export function choice(...values: readonly string[]): ValueType {
  const [example = ""] = values;
  return {
    expected: `one of ${values.join(", ")}`,
    example,
    accept: (value) => values.find((known) => known === value),
  };
}

/** Items separated by commas; blanks around an item are dropped. */
export function list(item: ValueType, example: string): ValueType {
  return {
    expected: `a comma-separated list; each item is ${item.expected}`,
    example,
    accept: (value) => {
      const items = value.split(",").map((part) => item.accept(part.trim()));
      return items.every((part) => part !== undefined) ? items.join(",") : undefined;
    },
  };
}

/** Mastodon makes a regular expression of these, so a comma or an empty item would match nothing or everything. */
export const emailDomains: ValueType = {
  expected: "domains separated by | (not by commas, which Mastodon takes for part of the name)",
  example: "example.com|example.net",
  accept: (value) => {
    const domains = value.split("|").map((part) => hostname.accept(part.trim()));
    return domains.every((part) => part !== undefined) ? domains.join("|") : undefined;
  },
};

/** A path on this machine. */
export function absolutePath(example: string): ValueType {
  return matching(/^\/\P{Cc}{0,4095}$/u, "an absolute path", example);
}

/** To Mastodon this one's being empty says something else than its being unset. */
export function emptyOr(type: ValueType, meaning: string): ValueType {
  return {
    expected: `${type.expected}, or nothing ${meaning}`,
    example: type.example,
    accept: (value) => (value === "" ? value : type.accept(value)),
  };
}

export const port: ValueType = integer(1, 65_535, "5432");

export const boolean: ValueType = {
  expected: "true or false",
  example: "true",
  accept: (value) => (/^(true|false)$/i.test(value) ? value.toLowerCase() : undefined),
};

/** RFC 1123, lower case. International names are written in their `xn--` form. */
export const hostname: ValueType = {
  expected: "a host name (letters, digits, hyphens and dots; international names as xn--...)",
  example: "social.example.org",
  accept: (value) => {
    const name = value.toLowerCase().replace(/\.$/, "");
    const labels = name.split(".");
    return name.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^[\d.]+$/.test(name)
      ? name
      : undefined;
  },
};

export const ip: ValueType = {
  expected: "an IPv4 or IPv6 address",
  example: "10.0.0.5",
  accept: (value) => (isIPv4(value) ? value : ipv6(value)),
};

/** An address, or a network by the length of its prefix. Streaming's proxy-addr does not start with a length of 0. */
export const network: ValueType = {
  expected: "an address or a network",
  example: "10.0.0.0/8",
  accept: (value) => {
    const [, bare = value, bits] = /^([^/]+)\/([1-9]\d{0,2})$/.exec(value) ?? [];
    const address = ip.accept(bare);
    if (address === undefined || bits === undefined) return address;
    return Number(bits) <= (address.includes(":") ? 128 : 32) ? `${address}/${bits}` : undefined;
  },
};

/** 0.0.0.0 and :: are where a server listens; to connect there reaches whatever is on the same machine. */
const HOST = "a host name or an IP address (not 0.0.0.0 or ::), without scheme or port";

/** A host name or an address; IPv6 with or without brackets, kept without. */
export function host(example: string): ValueType {
  return {
    expected: HOST,
    example,
    accept: (value) => {
      const address = ip.accept(value.replace(/^\[(.*)\]$/, "$1"));
      return address === undefined ? hostname.accept(value) : /[1-9a-f]/.test(address) ? address : undefined;
    },
  };
}

const databaseServer = unquotedHost("Mastodon's database.yml", "10.0.0.20");

/** libpq and node-postgres both take what begins with a slash for the directory of the server's unix socket. */
export const databaseHost: ValueType = {
  ...databaseServer,
  expected: `${databaseServer.expected}, or the directory of a unix socket such as /var/run/postgresql`,
  accept: (value) => socketDirectory(value) ?? databaseServer.accept(value),
};

export const mailHost: ValueType = unquotedHost("Mastodon 4.4.0's email.yml", "smtp.example.org");

/**
 * A host that Mastodon (for mail: 4.4.0 only) puts into a YAML file without quotes, where some names read as a number or a
 * YAML keyword, and an IPv6 address as a symbol (`::1`) or as a base-60 number (`1:2:3:4:5:6:7:8`); such a host is refused
 * rather than mangled.
 */
function unquotedHost(file: string, example: string): ValueType {
  return {
    expected: `${HOST} (none that YAML reads as a number or a keyword, such as 0x1f or null; IPv6 only with a letter in it and no colon at either end: ${file} misreads others)`,
    example,
    accept: (value) => {
      const accepted = host(example).accept(value);
      if (accepted?.includes(":"))
        return /^[^:].*[^:]$/.test(accepted) && /[a-f]/.test(accepted) ? accepted : undefined;
      return textInYaml(accepted);
    },
  };
}

/** What a mail server is told as the sender's domain, for the same reason. */
export const mailDomain: ValueType = {
  expected: `${hostname.expected}; none that YAML reads as a number or a keyword, since Mastodon's email.yml does not quote it`,
  example: "mail.example.org",
  accept: (value) => textInYaml(hostname.accept(value)),
};

/**
 * Mastodon puts the port behind it, and its client understands an IPv6 address only in a URL: without a scheme it
 * splits at the first colon.
 */
export const searchHost: ValueType = {
  expected:
    "a host name or an IP address (not 0.0.0.0 or ::), optionally with http:// or https:// before it; its port goes into ES_PORT",
  example: "https://search.example.org",
  accept: (value) => {
    const { scheme, host: bare } = splitScheme(value);
    const accepted = host("").accept(bare);
    return accepted && withScheme(accepted, scheme);
  },
};

/** A database or role name that YAML reads as a plain text, for the same reason. */
export const databaseName: ValueType = {
  expected:
    "a name of letters, digits, _ and - that begins with a letter (Mastodon's database.yml does not quote it)",
  example: "mastodon_production",
  accept: (value) =>
    /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(value) && !YAML_WORD.test(value) ? value : undefined,
};

export const url: ValueType = {
  expected: "a URL with a scheme",
  example: "https://example.org",
  accept: (value) =>
    URL.canParse(value) && /^[a-z]+:\/\/[^\s]+$/.test(value) && value.length <= 2048 ? value : undefined,
};

export const region: ValueType = matching(/^[A-Za-z0-9_-]{1,64}$/, "an S3 region", "eu-central-1");

export const bucket: ValueType = matching(
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  "a bucket name (3 to 63 lower-case letters, digits, dots and hyphens)",
  "mastodon",
);

/** Consul accepts dots and underscores too, and only warns that its DNS will not know such a name. */
export const nodeName: ValueType = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  "a Consul node name (letters, digits, hyphens, dots, underscores)",
  "mastodon-1",
);

export const datacenter: ValueType = matching(
  /^[a-z0-9_-]{1,64}$/,
  "a Consul datacenter (lower-case letters, digits, - and _)",
  "dc1",
);

/** A server to join: an address or a name, with a port if it is not 8301. */
const server: ValueType = {
  expected: "a host name or an address, optionally with a port",
  example: "10.0.0.2",
  accept: (value) => {
    const [, bare, digits] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(value) ?? [];
    const { accept } = host("");
    if (bare === undefined || digits === undefined) return accept(value);
    const accepted = accept(bare);
    return accepted !== undefined && port.accept(digits) ? `${bracketed(accepted)}:${digits}` : undefined;
  },
};

export const serverList: ValueType = {
  ...list(server, "10.0.0.2,10.0.0.3,10.0.0.4"),
  expected: "a comma-separated list of host names or addresses, without spaces",
  accept: (value) => (/\s/.test(value) ? undefined : list(server, "").accept(value)),
};

/** Consul's gossip key: base64 of 16, 24 or 32 bytes (AES-128, -192 or -256). */
export const gossipKey: ValueType = {
  expected: "base64 of 16, 24 or 32 bytes, as `consul keygen` prints it",
  example: "(the output of consul keygen)",
  accept: (value) => (BASE64.test(value) && [16, 24, 32].includes(base64Bytes(value)) ? value : undefined),
};

function ipv6(value: string): string | undefined {
  return IPV6.test(value) && URL.canParse(`http://[${value}]`) ? value.toLowerCase() : undefined;
}

function socketDirectory(value: string): string | undefined {
  const path = value.replace(/\/$/, "");
  return path.length <= LONGEST_SOCKET_DIRECTORY && SOCKET_DIRECTORY.test(path) ? path : undefined;
}

/** FreeBSD's sun_path has 104 bytes, and the socket's name is up to 15 of them: `/.s.PGSQL.65535`. */
const LONGEST_SOCKET_DIRECTORY = 88;
const SOCKET_DIRECTORY = /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/;

/** What YAML 1.1 reads back as written, however its reader guesses types. */
export function isPlainInYaml(value: string): boolean {
  if (!/^[\p{L}\p{N}_]/u.test(value) || /:(\s|$)|\s#|\s$/.test(value) || YAML_WORD.test(value)) return false;
  return !/^\d/.test(value) || /^[1-9]\d{0,17}$/.test(value) || value.includes("@");
}

/** The same of a host name. */
function textInYaml(host: string | undefined): string | undefined {
  return host === undefined || YAML_WORD.test(host) || YAML_NUMBER.test(host) ? undefined : host;
}

function isIPv4(value: string): boolean {
  const octets = value.split(".");
  return (
    octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255)
  );
}

function base64Bytes(value: string): number {
  return (value.length / 4) * 3 - (value.match(/=/g)?.length ?? 0);
}

/** Control characters and the two Unicode line breaks. */
export const CONTROL = /[\p{Cc}\u2028\u2029]/u;
/** Some editors begin a file with it; nobody's password does. */
const BYTE_ORDER_MARK = "\uFEFF";
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/;
const IPV6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;
const YAML_WORD = /^(true|false|yes|no|on|off|null|y|n)$/i;
/** Among possible host names: integers of all bases, floats and dates of YAML 1.1 and 1.2. */
const YAML_NUMBER = /^(0x[\da-f_]+|0[bo][\d_]+|[\d_]+(\.[\d_]*)?(e-?\d+)?|\d{4}-\d{1,2}-\d{1,2})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
