import { NODE } from "./config.ts";
import { type Stage, verify } from "./stage.ts";

/** The agent's own commands, as they are. */
export async function status(stage: Stage): Promise<void> {
  const lines = await show(stage, "status");
  const { redis2 } = stage.world;
  verify(lines.includes(`${NODE} is converged`), "the agent has converged");
  verify(lines.includes(`${redis2.host}:${redis2.port} from catalogue: service redis-2`), "Redis is redis-2");
  const explanation = await show(stage, "explain", "SMTP_SERVER");
  verify(
    explanation.includes("= smtp2.example.org, from shared: mastodon/settings/MAILHOST"),
    "the setting comes from KV",
  );
}

async function show({ screen, world }: Stage, ...argv: readonly string[]): Promise<string> {
  screen.command(`mastodon-agent ${argv.join(" ")}`);
  const output = await screen.during(() => "mastodon-agent", world.agent.command(...argv));
  for (const line of output.trimEnd().split("\n")) screen.line(line);
  return output;
}
