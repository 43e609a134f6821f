import { afterAll, describe, expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import { selfTestStatestore } from "../../../src/node/statestore-self-test.ts";
import {
  actorId,
  claim,
  commit,
  dedupOf,
  json,
  openSession,
  rejectionOf,
  save,
  scheduleOf,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { asRoot, mysqlServers } from "../../../test/support/mysql-databases.ts";
import { MysqlStores } from "../../../test/support/mysql-stores.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { bunDriver } from "./driver-bun.ts";

/** A store, and what somebody with a client of the server could do to its database. */
interface Subject {
  readonly store: Statestore;
  edit(...statements: readonly string[]): Promise<unknown[][]>;
}

const BAD_ROW = "SELECT * FROM troupe_actors WHERE actor_key = 'bad'";

function damageTests(withStore: (body: (subject: Subject) => Promise<void>) => Promise<void>) {
  const saveBad = async ({ store }: Subject) => {
    const session = await openSession(store);
    await save(store, await claim(store, session.id, actorId("bad")), 0, "kept");
    return session;
  };

  test.each([
    ["a negative revision", "revision = -1", "REV_INVALID"],
    ["revision 0 with a state", "revision = 0", "REV_INVALID"],
    ["the last revision", "revision = 9223372036854775807", "REV_EXHAUSTED"],
    ["the last epoch", "epoch = 9223372036854775807", "EPOCH_EXHAUSTED"],
    ["a negative epoch", "epoch = -5", "EPOCH_INVALID"],
    ["NUL in a type", "state_type = 0x6100", "STATE_UNREADABLE"],
    ["invalid UTF-8 in a type", "state_type = 0x61ff62", "STATE_UNREADABLE"],
    ["half a character in a type", "state_type = 0x61c3", "STATE_UNREADABLE"],
    ["the mark of what was broken in a type", "state_type = 0xefbfbd", "STATE_UNREADABLE"],
    ["a surrogate in a type", "state_type = 0xeda080", "STATE_UNREADABLE"],
    ["a type without a state", "state = NULL", "STATE_UNREADABLE"],
    ["a state without a type", "state_type = NULL", "STATE_UNREADABLE"],
    ["another system", "actor_system = 'other'", "ROW_MISMATCH"],
    ["the same key in other letters", "actor_key = 'BAD'", "ROW_MISMATCH"],
    ["an array for tags", "tags = '[]'", "TAGS_UNREADABLE"],
    ["half a map for tags", "tags = '{'", "TAGS_UNREADABLE"],
    ["no tags", "tags = ''", "TAGS_UNREADABLE"],
    ["a number for a tag", `tags = '{"a":1}'`, "TAGS_UNREADABLE"],
    ["a map in a tag", `tags = '{"a":{"b":"c"}}'`, "TAGS_UNREADABLE"],
    ["a comma behind the last tag", `tags = '{"a":"b",}'`, "TAGS_UNREADABLE"],
    ["the mark of what was broken in a tag", `tags = '{"a":"\uFFFD"}'`, "TAGS_UNREADABLE"],
    ["NUL in a tag", `tags = CONCAT('{"a":"', CHAR(0 USING utf8mb4), '"}')`, "TAGS_UNREADABLE"],
  ])("a row with %s stops its actor, and nothing else", (_name, change, reason) =>
    withStore(async (subject) => {
      const { store, edit } = subject;
      const session = await saveBad(subject);
      await edit(`UPDATE troupe_actors SET ${change} WHERE actor_key = 'bad'`);
      const before = await edit(BAD_ROW);
      const answers = await store.claim({
        sessionId: session.id,
        actors: [actorId("bad"), actorId("good")],
        maxRequestIds: 1,
      });
      expect(answers).toMatchObject([
        { kind: "damaged", reason },
        { kind: "claimed", epoch: 1 },
      ]);
      expect(await edit(BAD_ROW)).toEqual(before);
      const refusal = { code: "state.corrupt", outcome: "not_applied", details: { reason } };
      expect(await rejectionOf(store.read(actorId("bad")))).toMatchObject(refusal);
    }),
  );

  test("odd but sound tags and types are served", () =>
    withStore(async (subject) => {
      const { store, edit } = subject;
      const session = await saveBad(subject);
      const odd = { "": "", 'a"b': "\0\\", "é\u{1F600}": "x".repeat(100_000) };
      const tags = Buffer.from(JSON.stringify(odd)).toString("hex");
      const type = Buffer.from("é\u{1F600}\u0800\uD7FF").toString("hex");
      const set = `tags = CONVERT(0x${tags} USING utf8mb4), state_type = 0x${type}`;
      await edit(`UPDATE troupe_actors SET ${set}`);
      const found = await claim(store, session.id, actorId("bad"));
      expect(found.tags).toEqual(odd);
      expect(found.state?.type).toBe("é\u{1F600}\u0800\uD7FF");
    }));

  test("a row that was deleted by hand makes its owner's next commit fail", () =>
    withStore(async ({ store, edit }) => {
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("bad"));
      const beside = await claim(store, session.id, actorId("good"));
      await edit("DELETE FROM troupe_actors WHERE actor_key = 'bad'");
      const dedup = [dedupOf("r", 1)];
      const schedules = [scheduleOf("s", 0)];
      const lost = turn(mine, 0, { change: set("gone"), dedup, schedules });
      const won = turn(beside, 0, { change: set("here"), dedup, schedules });
      expect(await commit(store, session.id, lost, won)).toEqual(["fenced", "committed"]);
      expect(await store.read(actorId("bad"))).toBeUndefined();
      expect(await store.dedup(actorId("bad"), "r")).toBeUndefined();
      expect(await store.schedules?.list(actorId("bad"))).toEqual([]);
      expect(await store.schedules?.list(actorId("good"))).toHaveLength(1);
      expect((await store.read(actorId("good")))?.state).toEqual(json("here"));
    }));

  test("a table that was dropped is a failure, never an absence", () =>
    withStore(async (subject) => {
      const { store, edit } = subject;
      const session = await saveBad(subject);
      await edit("DROP TABLE troupe_actors");
      const request = { sessionId: session.id, actors: [actorId("bad")], maxRequestIds: 1 };
      const attempts = [
        () => store.read(actorId("bad")),
        () => store.epochs([actorId("bad")]),
        () => store.claim(request),
      ];
      for (const attempt of attempts) {
        expect(await rejectionOf(attempt())).toMatchObject({ outcome: "not_applied" });
      }
    }));

  test("passes the node's own test at start", () =>
    withStore(async ({ store }) => {
      expect(await selfTestStatestore(store)).toBeUndefined();
    }));
}

for (const { name, url } of mysqlServers()) {
  if (url === undefined) continue;
  describe(name, () => {
    const stores = new MysqlStores(url, bunDriver);
    afterAll(() => stores.drop());
    damageTests(async (body) => {
      using folder = tempDir();
      const store = await stores.open(folder.path);
      const database = await stores.database(folder.path);
      try {
        await body({ store, edit: (...all) => asRoot(url, `USE ${database}`, ...all) });
      } finally {
        await store.stop(AbortSignal.timeout(10_000));
      }
    });
  });
}
