import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { checkNginx, startNginx } from "./world/nginx.ts";
import { freePort } from "./world/ports.ts";
import { temporaryFolder } from "./world/temporary.ts";
import { until } from "./world/until.ts";

test("a real nginx answers from its configuration and reads it again", async () => {
  await using folder = await temporaryFolder("nginx");
  const port = await freePort();
  const configuration = folder.file("nginx.conf");
  await writeFile(configuration, answering(port, "one"));
  await checkNginx(configuration, folder.path);
  const url = `http://127.0.0.1:${port}/`;
  await using nginx = await startNginx({ configuration, prefix: folder.path, ready: url });
  const answer = async () => (await fetch(url)).text();
  expect(await answer()).toBe("one");
  await writeFile(configuration, answering(port, "two"));
  nginx.reload();
  await until("the new answer", async () => (await answer()) === "two");
});

test("nginx says what is wrong with a configuration", async () => {
  await using folder = await temporaryFolder("nginx");
  await writeFile(folder.file("nginx.conf"), "nonsense on;\n");
  await expect(checkNginx(folder.file("nginx.conf"), folder.path)).rejects.toThrow(
    /unknown directive "nonsense"/,
  );
});

function answering(port: number, text: string): string {
  return `pid nginx.pid;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:${port}; location / { return 200 "${text}"; } }
}
`;
}
