import { names } from "./born.ts";
import { showEffect } from "./put.ts";
import { type Stage, verify } from "./stage.ts";

/** The Redis in use is really stopped. Its check finds out, and Mastodon goes to the other one. */
export async function moved(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const { redis1, redis2, consul, mastodon } = world;
  const before = await stage.look();
  screen.line(
    `redis-1 at ${redis1.host}:${redis1.port} stops, redis-2 at ${redis2.host}:${redis2.port} is alive`,
  );
  await redis1.stop();
  const diedMs = Date.now();
  await stage.until("Consul's check to turn critical", async () => {
    const checks = JSON.stringify(await consul.request("GET", "/v1/health/state/critical"));
    return checks.includes('"ServiceID":"redis-1"') || undefined;
  });
  screen.verified("its check in Consul has turned critical");

  const effect = await stage.effect(before, diedMs);
  const changed = effect.changes.map(({ name, after }) => `${name}: ${after}`);
  const wanted = [`REDIS_HOST: REDIS_HOST=${redis2.host}`, `REDIS_PORT: REDIS_PORT=${redis2.port}`];
  verify(changed.join() === wanted.join(), "host and port of Redis changed, and nothing else");
  verify(effect.reloaded.length === 3, "all units reloaded");
  verify(names(await mastodon.ask("/redis"), redis2), "web uses the second Redis");
  showEffect(stage, effect, " after its end (the check runs once a second, the agent waits for nothing)");
  screen.verified(`web answers from redis-2, ${redis2.host}:${redis2.port}`);
}
