import { expect, test } from "bun:test";
import memory from "../../plugins/statestores/memory/plugin.ts";
import { rejectionOf } from "../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../test/conformance/support/statestore-host.ts";
import type { Resealing } from "../contract/index.ts";
import { makeSealer, plainSealer } from "../platform/envelope.ts";
import { parseKeyring } from "../platform/envelope-keyring.ts";
import type { ServerError } from "../domain/error.ts";
import { checkKeys } from "./check-keys.ts";
import type { Logger } from "./ports.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const OTHER = Buffer.alloc(32, 2).toString("base64");
const sealer = (keys: string, cluster = "test") => makeSealer(parseKeyring(keys), cluster);

const quiet = (): void => undefined;

/** A log that keeps the events it was told. */
function keptLog(events: string[] = []): Logger {
  const log: Logger = {
    debug: quiet,
    info: quiet,
    warn: (event) => void events.push(event),
    error: (event, fields) =>
      void events.push([event, fields?.["key"], fields?.["rows"]].join(" ")),
    child: () => log,
  };
  return log;
}

/** A store with rows under keys, as far as the check looks at it. */
function storeWith(rows: Readonly<Record<string, number>>) {
  const { meta } = memory.create({}, statestoreHost(""));
  const counted: string[] = [];
  const resealing: Resealing = {
    pending: async () => [],
    replace: async () => false,
    countByKey: async () => {
      counted.push("counted");
      return new Map(Object.entries(rows).map(([name, count]) => [idOf(name), count]));
    },
  };
  return { meta, resealing, counted };
}

function idOf(name: string): string {
  return Buffer.from(name.padEnd(name === "" ? 0 : 8, "\0"), "latin1").toString("hex");
}

test("the keys a store was written with are accepted, others of their names are not", async () => {
  const store = memory.create({}, statestoreHost(""));
  await checkKeys(store, sealer(`a:${KEY}`), keptLog());
  await checkKeys(store, sealer(`a:${KEY}`), keptLog());
  await checkKeys(store, sealer(`b:${OTHER},a:${KEY}`), keptLog());
  const wrongs = [`a:${OTHER}`, `c:${KEY},b:${KEY}`].map((keys) => sealer(keys));
  for (const wrong of [...wrongs, sealer(`a:${KEY}`, "other")]) {
    const details = { reason: "wrong_key", exitCode: 65 };
    expect(await rejectionOf(checkKeys(store, wrong, keptLog()))).toMatchObject({
      code: "state.corrupt",
      details,
    });
  }
});

test("an encrypted store is not opened without keys, and a plain one is", async () => {
  const plain = memory.create({}, statestoreHost(""));
  await checkKeys(plain, plainSealer(), keptLog());
  const encrypted = memory.create({}, statestoreHost(""));
  await checkKeys(encrypted, sealer(`a:${KEY}`), keptLog());
  const details = { reason: "state_key_missing", exitCode: 78 };
  expect(await rejectionOf(checkKeys(encrypted, plainSealer(), keptLog()))).toMatchObject({
    details,
  });
});

test("a key under which rows lie is not retired", async () => {
  const store = storeWith({ old: 7 });
  await checkKeys(store, sealer(`old:${KEY}`), keptLog());
  await checkKeys(store, sealer(`new:${OTHER},old:${KEY}`), keptLog());
  expect(store.counted).toHaveLength(1);
  const retired = sealer(`new:${OTHER},old:${KEY}:retired`);
  const message = "7 rows are still under state key old, which is retired";
  const refusal = await rejectionOf(checkKeys(store, retired, keptLog()));
  expect(refusal).toMatchObject({ message, details: { reason: "key_in_use", exitCode: 78 } });
  expect(String((refusal as ServerError).details.hint)).toContain("keys status");
  // The refusal has changed nothing: the keys of before are accepted, and this is refused again.
  await checkKeys(store, sealer(`new:${OTHER},old:${KEY}`), keptLog());
  expect(await rejectionOf(checkKeys(store, retired, keptLog()))).toMatchObject({ message });
});

test("a key under which rows lie and that is not given is named in the log of every start", async () => {
  const store = storeWith({ old: 7, "": 3 });
  await checkKeys(store, sealer(`old:${KEY}`), keptLog());
  for (let start = 0; start < 3; start += 1) {
    const events: string[] = [];
    await checkKeys(store, sealer(`new:${OTHER}`), keptLog(events));
    expect(events).toEqual(["keys.missing old 7"]);
  }
  const events: string[] = [];
  await checkKeys(store, sealer(`new:${OTHER},old:${KEY}`), keptLog(events));
  expect(events).toEqual([]);
});

test("a key under which none lie may go, and nobody counts again", async () => {
  const store = storeWith({ new: 2, "": 3 });
  await checkKeys(store, sealer(`new:${OTHER},old:${KEY}`), keptLog());
  await checkKeys(store, sealer(`new:${OTHER},old:${KEY}:retired`), keptLog());
  expect(store.counted).toHaveLength(2);
  await checkKeys(store, sealer(`new:${OTHER}`), keptLog());
  expect(store.counted).toHaveLength(2);
});

test("a count that fails is said, refuses nothing, and is tried again", async () => {
  const store = storeWith({ old: 7 });
  const { countByKey } = store.resealing;
  store.resealing.countByKey = () => Promise.reject(new Error("took too long"));
  const events: string[] = [];
  await checkKeys(store, sealer(`new:${OTHER}`), keptLog(events));
  expect(events).toEqual(["keys.not_counted"]);
  store.resealing.countByKey = countByKey;
  await checkKeys(store, sealer(`new:${OTHER}`), keptLog(events));
  expect(events).toEqual(["keys.not_counted", "keys.missing old 7"]);
});
