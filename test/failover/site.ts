import { readFile } from "node:fs/promises";
import { parse } from "dotenv";
import { startAgent, type TestAgent } from "../world/agent.ts";
import type { ConsulServer } from "../world/consul.ts";
import { unitsOf } from "../world/demo/config.ts";
import { type Mastodon, prepareMastodon } from "../world/mastodon.ts";
import { temporaryFolder } from "../world/temporary.ts";

type Overrides = Readonly<Record<string, unknown>>;

/** What is put in here ends after the agent, and before the folder that it may live in. */
export type Parts = Pick<AsyncDisposableStack, "use" | "defer">;

export interface SiteOptions {
  readonly consul: ConsulServer;
  readonly environment: Readonly<Record<string, string>>;
  /** A folder with Mastodon's own streaming server; without it a stand-in streams. */
  readonly streaming?: string;
  /** Laid over a configuration that has the stand-in's three units and neither settling nor distance between reloads. */
  readonly config: Overrides | ((mastodon: Mastodon, parts: Parts) => Overrides | Promise<Overrides>);
}

/** An agent and the Mastodon that it configures, starts and reloads. */
export interface Site extends AsyncDisposable {
  readonly agent: TestAgent;
  readonly mastodon: Mastodon;
  /** `.env.production` as Node's dotenv reads it. */
  variables(): Promise<Readonly<Record<string, string>>>;
  bytes(): Promise<string>;
  /** How often each unit has booted. */
  boots(): Promise<Boots>;
}

export interface Boots {
  readonly web: number;
  readonly sidekiq: number;
  readonly streaming: number;
}

/** Three programs are started one after the other, which takes its time on a busy machine. */
const STARTED_MS = 45_000;

/** Returns once the agent has started all units and is converged. */
export async function startSite({ consul, environment, config, ...streaming }: SiteOptions): Promise<Site> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await temporaryFolder("site"));
  const mastodon = starting.use(await prepareMastodon({ folder: folder.path, ...streaming }));
  const agent = starting.use(
    await startAgent({
      consul,
      environment,
      config: {
        files: { env: { template: "env.production.hbs", path: mastodon.envFile, mode: "0640" } },
        units: unitsOf(mastodon),
        ...(typeof config === "function" ? await config(mastodon, starting) : config),
      },
    }),
  );
  await agent.converged(STARTED_MS);
  const bytes = () => readFile(mastodon.envFile, "utf8");
  const release = starting.move();
  return {
    agent,
    mastodon,
    bytes,
    variables: async () => parse(await bytes()),
    boots: async () => ({
      web: await mastodon.boots("web"),
      sidekiq: await mastodon.boots("sidekiq"),
      streaming: await mastodon.boots("streaming"),
    }),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
