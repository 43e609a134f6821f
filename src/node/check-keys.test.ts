import { expect, test } from "bun:test";
import memory from "../../plugins/statestores/memory/plugin.ts";
import { rejectionOf } from "../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import { makeSealer, plainSealer } from "../platform/envelope.ts";
import { parseKeyring } from "../platform/envelope-keyring.ts";
import { checkKeys } from "./check-keys.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const OTHER = Buffer.alloc(32, 2).toString("base64");
const sealer = (keys: string, cluster = "test") => makeSealer(parseKeyring(keys), cluster);

test("the keys a store was written with are accepted, others of their names are not", async () => {
  const { meta } = memory.create({}, statestoreHost(""));
  await checkKeys(meta, sealer(`a:${KEY}`));
  await checkKeys(meta, sealer(`a:${KEY}`));
  await checkKeys(meta, sealer(`b:${OTHER},a:${KEY}`));
  const wrongs = [`a:${OTHER}`, `c:${KEY},b:${KEY}`].map((keys) => sealer(keys));
  for (const wrong of [...wrongs, sealer(`a:${KEY}`, "other")]) {
    const details = { reason: "wrong_key", exitCode: 65 };
    expect(await rejectionOf(checkKeys(meta, wrong))).toMatchObject({
      code: "state.corrupt",
      details,
    });
  }
});

test("an encrypted store is not opened without keys, and a plain one is", async () => {
  const plain = memory.create({}, statestoreHost(""));
  await checkKeys(plain.meta, plainSealer());
  const encrypted = memory.create({}, statestoreHost(""));
  await checkKeys(encrypted.meta, sealer(`a:${KEY}`));
  const details = { reason: "state_key_missing", exitCode: 78 };
  expect(await rejectionOf(checkKeys(encrypted.meta, plainSealer()))).toMatchObject({ details });
});
