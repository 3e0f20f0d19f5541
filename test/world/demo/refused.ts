import { consulKv } from "./put.ts";
import { type Stage, verify } from "./stage.ts";

const KEY = "mastodon/settings/MAILHOST";
const GOOD = "smtp2.example.org";

/** A value that is not one stays without effect, and is complained of until it is gone. */
export async function refused(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const before = await stage.look();
  await consulKv(stage, "put", KEY, `${GOOD}:587`);
  const problem = await stage.until("the refusal", async () =>
    (await world.agent.status()).problems.find(({ message }) => message.includes(KEY)),
  );
  screen.line(screen.colours.yellow(problem.message));
  await verifyUnchanged(stage, before);

  await consulKv(stage, "put", KEY, GOOD);
  await stage.until("the problem to go", async () => {
    const { problems } = await world.agent.status();
    return !problems.some(({ message }) => message.includes(KEY)) || undefined;
  });
  await verifyUnchanged(stage, before);
  screen.verified("nothing was written, nothing reloaded");
}

async function verifyUnchanged(stage: Stage, before: Awaited<ReturnType<Stage["look"]>>): Promise<void> {
  const after = await stage.look();
  verify([...before.file.values()].join() === [...after.file.values()].join(), "the file is as it was");
  verify(JSON.stringify(before.boots) === JSON.stringify(after.boots), "no unit was reloaded");
  verify(stage.world.agent.log.since(before.mark, "file written") === undefined, "nothing was written");
}
