/** A complete input for the shipped templates, with every path below one folder. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "../../src/base/secret.ts";
import { languageOf } from "../../src/render/language.ts";
import { compileTemplate } from "../../src/render/template.ts";
import type { Group, RenderInput } from "../../src/render/tree.ts";
import { checkout } from "../world/programs.ts";

export function completeInput(folder: string, changes: RenderInput = {}): RenderInput {
  return {
    DATACENTER: "dc1",
    IP: "127.0.0.1",
    NODENAME: "mastodon-1",
    GOSSIPKEY: new Secret("pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="),
    DOMAIN: "example.org",
    WEBDOMAIN: undefined,
    BUCKETALIAS: "files.example.org",
    BUCKETNAME: "mastodon",
    REMOTELOG: "127.0.0.1",
    s3: bucketAt("https://127.0.0.1:9000"),
    variables: [],
    process: { web: [], sidekiq: [], streaming: [] },
    paths: { mastodon: join(folder, "mastodon"), acme: join(folder, "acme") },
    certificate: undefined,
    media_certificate: undefined,
    nginx: nginxFacts(folder),
    consul: consulFacts(folder),
    syslog_ng: syslogFacts(folder),
    ...changes,
  };
}

export function nginxFacts(folder: string): Group {
  return {
    user: "root",
    pid: join(folder, "nginx.pid"),
    log: folder,
    cache: join(folder, "cache"),
    web: "127.0.0.1:3000",
    streaming: "127.0.0.1:4000",
    http: ["127.0.0.1:80"],
    https: ["127.0.0.1:443"],
    ca: undefined,
    http2: undefined,
    resolver: [],
  };
}

/** @param lookedUp nginx looks up the name itself */
export function bucketAt(origin: string, lookedUp?: "yes"): Group {
  return {
    bucket_url: `${origin}/mastodon`,
    bucket_origin: origin,
    bucket_path: "/mastodon",
    by_name: lookedUp,
  };
}

export function consulFacts(folder: string): Group {
  return {
    client_addr: "127.0.0.1",
    http_port: "8500",
    check_host: "127.0.0.1",
    node_id: "86722325-3cd3-39a7-cd98-1eed8fa9786b",
    site_port: "443",
    also: { mastodon: "yes", node_exporter: "yes" },
    data_dir: join(folder, "consul"),
    servers: ["10.0.0.2", "10.0.0.3"],
    token: undefined,
  };
}

function syslogFacts(folder: string): Group {
  return {
    port: "601",
    bsd: undefined,
    buffer: folder,
    buffer_bytes: "10485760",
    sockets: [join(folder, "log")],
    local: join(folder, "messages"),
    files: [{ program: "mastodon-agent", path: join(folder, "mastodon-agent.log") }],
  };
}

/** Renders one of the shipped templates as for the path that it has in a jail. */
export async function renderShipped(name: string, input: RenderInput): Promise<string> {
  const text = await readFile(join(checkout(), "templates", name), "utf8");
  return compileTemplate(name, text, languageOf(name, "")).render(input);
}
