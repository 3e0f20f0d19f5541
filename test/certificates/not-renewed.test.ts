import { expect, test } from "vitest";
import { startPebble } from "../world/pebble.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { DOMAIN, lookAt, optionsFor } from "./fixtures/keeper.ts";

test("while it cannot be renewed, the old certificate stays in use, and this is reported until it is renewed", async () => {
  await using folder = await temporaryFolder("certificates");
  await using pebble = await startPebble();
  const options = optionsFor(folder, pebble, { pace: { firstMs: 0, longestMs: 0 } });
  const { found: first } = await lookAt(options);
  if (first.kind !== "good") throw new Error("a certificate is issued");
  const { notAfterMs, notBeforeMs, folder: shelf } = first.certificate;

  await pebble.stop();
  const late = { ...options, nowMs: () => notAfterMs - (notAfterMs - notBeforeMs) / 4 };
  const { found, problems } = await lookAt(late);
  expect(found).toMatchObject({ kind: "good", certificate: { folder: shelf } });
  expect(problems).toEqual([
    { code: "certificate_not_renewed", about: DOMAIN, message: expect.stringContaining("ECONNREFUSED") },
  ]);

  await pebble.start();
  expect(await lookAt(late)).toMatchObject({ found: { kind: "good" }, problems: [] });
});
