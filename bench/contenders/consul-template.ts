import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { which } from "../../test/compat/find.ts";
import { checkout } from "../../test/world/programs.ts";
import { run, start } from "../../test/world/spawn.ts";
import { temporaryFolder } from "../../test/world/temporary.ts";
import { until } from "../../test/world/until.ts";
import type { Contender, Ground } from "./contender.ts";

/** Any version is a fair peer; the newest is taken where none is here. */
const MODULE = "github.com/hashicorp/consul-template@latest";

/** The program, from the PATH, from an earlier run, or built where Go is; undefined where it cannot be had. */
export async function findConsulTemplate(): Promise<string | undefined> {
  const folder = join(checkout(), ".world", "bin");
  const kept = join(folder, "consul-template");
  const found = which("consul-template") ?? (existsSync(kept) ? kept : undefined);
  const go = which("go") ?? (existsSync("/usr/local/go/bin/go") ? "/usr/local/go/bin/go" : undefined);
  if (found !== undefined || go === undefined) return found;
  await mkdir(folder, { recursive: true });
  await run(go, ["install", MODULE], { env: { GOBIN: folder } });
  return kept;
}

export interface PeerOptions {
  readonly name: string;
  readonly binary: string;
  /** As in its configuration, such as `250ms:2s`; undefined: it waits for nothing. */
  readonly wait?: string;
  /** False: its own default for stale answers. */
  readonly isFastest: boolean;
  /** The rendered file of the agent: the same bytes, but for the lines that follow Consul. */
  readonly model: string;
}

/** consul-template with one template: the same file, from one watched prefix and one service, as the agent has it. */
export async function startConsulTemplate(
  { address }: Ground,
  { name, binary, wait, isFastest, model }: PeerOptions,
): Promise<Contender> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("consul-template"));
  const prefix = `peer-${name.replaceAll(/\W+/g, "-")}`;
  const service = `${prefix}-redis`;
  const [file, reloadLog] = [folder.file("rendered", ".env.production"), folder.file("reloads.log")];
  await mkdir(folder.file("rendered"));
  await writeFile(reloadLog, "");
  await writeFile(folder.file("template.tpl"), template(model, prefix, service));
  await writeFile(
    folder.file("config.hcl"),
    [
      `consul { address = "${address.replace("http://", "")}" }`,
      ...(isFastest ? ['max_stale = "0s"'] : []),
      ...(wait === undefined ? [] : [`wait { min = "${wait.split(":")[0]}" max = "${wait.split(":")[1]}" }`]),
      `template { source = "${folder.file("template.tpl")}" destination = "${file}" command = ["sh", "-c", "echo reload >> ${reloadLog}"] }`,
    ].join("\n"),
  );
  const running = starting.use(
    await start(binary, ["-config", folder.file("config.hcl"), "-log-level", "err"]),
  );
  await until("consul-template's first render", async () => (await readFile(file, "utf8")) !== "");
  const release = starting.move();
  return {
    name,
    file,
    line: (value) => `SMTP_PORT=${value}\n`,
    key: `${prefix}/settings/MAILPORT`,
    service,
    pid: () => running.pid,
    reloads: async () => (await readFile(reloadLog, "utf8")).split("\n").length - 1,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

function template(model: string, prefix: string, service: string): string {
  return model
    .replace(
      /^SMTP_PORT=.*$/m,
      `SMTP_PORT={{ range ls "${prefix}/settings" }}{{ if eq .Key "MAILPORT" }}{{ .Value }}{{ end }}{{ end }}`,
    )
    .replace(
      /^REDIS_HOST=.*$/m,
      `REDIS_HOST={{ with service "${service}" }}{{ (index . 0).Address }}{{ end }}`,
    )
    .replace(/^REDIS_PORT=.*$/m, `REDIS_PORT={{ with service "${service}" }}{{ (index . 0).Port }}{{ end }}`);
}
