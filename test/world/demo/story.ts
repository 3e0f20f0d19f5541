import { born } from "./born.ts";
import { moved } from "./moved.ts";
import { put } from "./put.ts";
import { refused } from "./refused.ts";
import type { Stage } from "./stage.ts";
import { status } from "./status.ts";

/** The life of the agent. Each part shows something and throws if it is not so. */
export async function tellStory(stage: Stage): Promise<void> {
  stage.screen.heading("1  A new jail: the agent joins, creates the keys, renders and starts Mastodon");
  await born(stage);

  stage.screen.heading("2  A setting is put");
  await put(stage, {
    key: "mastodon/settings/MAILHOST",
    value: "smtp2.example.org",
    variable: "SMTP_SERVER",
    readers: ["web", "sidekiq"],
  });

  stage.screen.heading("3  A variable is put that only one unit reads");
  await put(stage, {
    key: "mastodon/env/LOG_LEVEL",
    value: "debug",
    variable: "LOG_LEVEL",
    readers: ["streaming"],
  });

  stage.screen.heading("4  The Redis in use dies; the catalogue has another one");
  await moved(stage);

  stage.screen.heading("5  A bad value is put, then the good one again");
  await refused(stage);

  stage.screen.heading("6  What the operator sees");
  await status(stage);
}
