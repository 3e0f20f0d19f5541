import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { findCertificate } from "../../src/certificates/certificate.ts";
import { makeCertificates } from "../world/certificates.ts";
import { program } from "../world/programs.ts";
import { run } from "../world/spawn.ts";
import { temporaryFolder } from "../world/temporary.ts";
import { DOMAIN } from "./fixtures/keeper.ts";

const OTHER_DOMAIN = "other.example.org";

test("only what nginx could not load is rejected; what is merely wrong is used and reported", async () => {
  await using folder = await temporaryFolder("loadable");
  const made = await makeCertificates(folder.path, "127.0.0.1", DOMAIN);
  const [leaf, authority, key, otherKey] = await Promise.all(
    [made.serverCertificate, made.ca, made.serverKey, made.clientKey].map((file) => readFile(file, "utf8")),
  );
  const encrypted = folder.file("encrypted.key");
  await run(program("openssl"), [
    "ec",
    "-in",
    made.serverKey,
    "-aes256",
    "-passout",
    "pass:x",
    "-out",
    encrypted,
  ]);
  const look = async (chain = "", key = "", domain = DOMAIN) => {
    const place = folder.file("own", domain);
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, "fullchain.pem"), chain);
    await writeFile(path.join(place, "privkey.pem"), key);
    return findCertificate(place, domain);
  };
  const chain = `${leaf}${authority}`;
  expect(await look(chain, key)).toMatchObject({ kind: "good" });
  expect(await look(`a comment\n${chain}`, key)).toMatchObject({ kind: "good" });
  expect(await look(chain, await readFile(encrypted, "utf8"))).toMatchObject({ kind: "good" });
  expect(await look(chain, key, OTHER_DOMAIN)).toMatchObject({ kind: "bad", isLoadable: true });
  const broken = { kind: "bad", isLoadable: false };
  expect(await look(chain, otherKey)).toMatchObject(broken);
  expect(await look(chain, otherKey, OTHER_DOMAIN)).toMatchObject(broken);
  expect(await look(chain, "")).toMatchObject(broken);
  expect(await look("", key)).toMatchObject(broken);
  expect(await look(chain.slice(0, -200), key), "cut off while it was copied").toMatchObject(broken);
});
