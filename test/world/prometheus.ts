import { mkdir, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import * as z from "zod";
import { freePort } from "./ports.ts";
import { program } from "./programs.ts";
import { run, start, whileRunning } from "./spawn.ts";
import { temporaryFolder } from "./temporary.ts";
import { until } from "./until.ts";

export interface PrometheusOptions {
  /** `http://host:port` of what it scrapes, as the job "mastodon-agent". */
  readonly target: string;
  /** The text of a file of rules. */
  readonly rules?: string;
}

export interface Prometheus extends AsyncDisposable {
  /** The names of the alerts that are firing. */
  firing(): Promise<readonly string[]>;
  /** How many series an expression has now; throws where it cannot be evaluated. */
  seriesOf(expression: string): Promise<number>;
}

/** A real Prometheus that looks twice a second. */
export async function startPrometheus({ target, rules }: PrometheusOptions): Promise<Prometheus> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("prometheus"));
  const port = await freePort();
  await mkdir(folder.file("data"));
  if (rules !== undefined) await writeFile(folder.file("rules.yml"), rules);
  await writeFile(
    folder.file("prometheus.yml"),
    stringify({
      global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
      rule_files: rules === undefined ? [] : [folder.file("rules.yml")],
      scrape_configs: [{ job_name: "mastodon-agent", static_configs: [{ targets: [new URL(target).host] }] }],
    }),
  );
  const running = await start(program("prometheus"), [
    `--config.file=${folder.file("prometheus.yml")}`,
    `--storage.tsdb.path=${folder.file("data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
  ]);
  starting.defer(async () => void (await running.stop()));
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => (await fetch(`${url}/-/ready`)).ok;
  await whileRunning("prometheus", running, until("Prometheus to be ready", isReady));
  const release = starting.move();
  return {
    firing: async () => {
      const { data } = alerts.parse(await (await fetch(`${url}/api/v1/alerts`)).json());
      return data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname);
    },
    seriesOf: async (expression) => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      if (!response.ok) throw new Error(`${expression}: ${await response.text()}`);
      return vector.parse(await response.json()).data.result.length;
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** `promtool`; throws with what it says unless it is content. @returns what it printed */
export function promtool(argv: readonly string[], input = "/dev/null"): Promise<string> {
  return run("sh", ["-c", 'input=$1; shift; exec "$0" "$@" < "$input"', program("promtool"), input, ...argv]);
}

const alerts = z.object({
  data: z.object({
    alerts: z.array(z.object({ state: z.string(), labels: z.object({ alertname: z.string() }) })),
  }),
});

const vector = z.object({ data: z.object({ result: z.array(z.unknown()) }) });
