import { describe, expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";
import { openPostgres } from "../../../test/conformance/support/postgres-store.ts";
import {
  actorId,
  claim,
  commit,
  dedupOf,
  json,
  openSession,
  rejectionOf,
  save,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import type { RecordedHealth } from "../../../test/conformance/support/statestore-host.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";

const backend = postgresBackend();
const absent = backend === undefined;

/** A store, and what somebody with a shell on the database could do to it. */
async function withPostgres(
  body: (store: Statestore, edit: (sql: string) => Promise<readonly unknown[]>) => Promise<void>,
  recorded: RecordedHealth[] = [],
): Promise<void> {
  if (backend === undefined) return;
  using folder = tempDir();
  const report = (health: RecordedHealth["health"], detail?: string) =>
    void recorded.push({ health, detail });
  const store = await openPostgres(backend, folder.path, {}, { report });
  const schema = backend.schemaOf(folder.path);
  try {
    await body(store, (sql) => backend.edit(sql.replaceAll("@", `"${schema}".`)));
  } finally {
    await store.stop?.(AbortSignal.timeout(10_000));
  }
}

const BAD = "actor_key = 'bad'";

describe("a damaged row", () => {
  test.skipIf(absent).each([
    ["a negative revision", "revision = -1", "REV_INVALID"],
    ["revision 0 with a state", "revision = 0", "REV_INVALID"],
    ["the last revision", "revision = 9223372036854775807", "REV_EXHAUSTED"],
    ["the last epoch", "epoch = 9223372036854775807", "EPOCH_EXHAUSTED"],
    ["a negative epoch", "epoch = -5", "EPOCH_INVALID"],
    ["NUL in a type", "state_type = '\\x6100'", "STATE_UNREADABLE"],
    ["invalid UTF-8 in a type", "state_type = '\\x61ff62'", "STATE_UNREADABLE"],
    ["cut UTF-8 in a type", "state_type = '\\x61f09f98'", "STATE_UNREADABLE"],
    ["a surrogate in a type", "state_type = '\\xeda080'", "STATE_UNREADABLE"],
    ["an overlong type", "state_type = '\\xc0af'", "STATE_UNREADABLE"],
    ["a mark of broken text in a type", "state_type = '\\xefbfbd'", "STATE_UNREADABLE"],
    ["a type without a state", "state = NULL", "STATE_UNREADABLE"],
    ["a state without a type", "state_type = NULL", "STATE_UNREADABLE"],
    ["another system", "actor_system = 'other'", "ROW_MISMATCH"],
    ["another key", "actor_key = 'bad '", "ROW_MISMATCH"],
    ["tags that are a list", "tags = '[]'", "TAGS_UNREADABLE"],
    ["tags that are cut", "tags = '{'", "TAGS_UNREADABLE"],
    ["tags that are numbers", `tags = '{"a":1}'`, "TAGS_UNREADABLE"],
    ["tags with a bare line break", `tags = E'{"a":"\\n"}'`, "TAGS_UNREADABLE"],
    ["tags with a mark of broken text", `tags = '{"a":"\uFFFD"}'`, "TAGS_UNREADABLE"],
  ])("with %s stops its actor, and nothing else", (_name, change, reason) =>
    withPostgres(async (store, edit) => {
      const session = await openSession(store);
      await save(store, await claim(store, session.id, actorId("bad")), 0, "kept");
      await claim(store, session.id, actorId("good"));
      await edit(`UPDATE @actors SET ${change} WHERE ${BAD}`);
      const rowOf = () =>
        edit(
          "SELECT xmin::text, a.* FROM @actors a WHERE revision <> 0 OR state IS NOT NULL ORDER BY actor",
        );
      const before = await rowOf();
      const answers = await store.claim({
        sessionId: session.id,
        actors: [actorId("bad"), actorId("good")],
        maxRequestIds: 1,
      });
      expect(answers[0]).toEqual({ kind: "damaged", reason });
      expect(answers[1]).toMatchObject({ kind: "claimed", epoch: 2 });
      expect(await rowOf()).toEqual(before);
      const refusal = { code: "state.corrupt", outcome: "not_applied", details: { reason } };
      expect(await rejectionOf(store.read(actorId("bad")))).toMatchObject(refusal);
    }),
  );

  test.skipIf(absent).each(["type.example.com/ä.😀", "a\\b", "\u07ff\uffff\u0800\u{10ffff}"])(
    "is not what a type such as %s makes of it",
    (type) =>
      withPostgres(async (store) => {
        const session = await openSession(store);
        const mine = await claim(store, session.id, actorId("a"));
        const state = { data: new Uint8Array(1), type };
        const tags = { "x\u0085\u2028": `"\\/\b\f\n\r\t\u0000😀{}:,` };
        const change = { kind: "set", state, tags } as const;
        expect(await commit(store, session.id, turn(mine, 0, { change }))).toEqual(["committed"]);
        const again = await claim(store, session.id, actorId("a"));
        expect(again).toMatchObject({ epoch: 2, tags, state: { type } });
      }),
  );

  test.skipIf(absent)("that was deleted by hand makes its owner's next commit fail", () =>
    withPostgres(async (store, edit) => {
      const session = await openSession(store);
      const mine = await claim(store, session.id, actorId("bad"));
      await save(store, mine, 0, "kept");
      await edit(`DELETE FROM @actors WHERE ${BAD}`);
      expect(await commit(store, session.id, turn(mine, 1, { change: set("x") }))).toEqual([
        "fenced",
      ]);
    }),
  );

  test.skipIf(absent)("whose owner's session was deleted by hand is free", () =>
    withPostgres(async (store, edit) => {
      const gone = await openSession(store, "gone");
      const mine = await claim(store, gone.id, actorId("a"));
      await save(store, mine, 0, "kept");
      await edit(`DELETE FROM @sessions WHERE id = ${gone.id}`);
      const heir = await openSession(store, "heir");
      const theirs = await claim(store, heir.id, actorId("a"));
      expect(theirs).toMatchObject({ revision: 1, state: json("kept") });
      expect(theirs.epoch).toBeGreaterThan(mine.epoch);
      expect(await commit(store, gone.id, turn(mine, 1, { change: set("x") }))).toEqual(["fenced"]);
    }),
  );
});

test.skipIf(absent)("a walk over the store tells of damaged rows and orphans, and goes on", () =>
  withPostgres(async (store, edit) => {
    const session = await openSession(store);
    for (const key of ["bad", "good", "gone"]) {
      const mine = await claim(store, session.id, actorId(key));
      const dedup = [dedupOf("r", 1)];
      await commit(store, session.id, turn(mine, 0, { change: set(key), dedup }));
    }
    await edit(`UPDATE @actors SET tags = '[]' WHERE ${BAD}`);
    await edit("DELETE FROM @actors WHERE actor_key = 'gone'");
    const { rows, next } = (await store.portability?.read("", 100)) ?? { rows: [], next: "" };
    expect(next).toBeUndefined();
    expect(rows.filter(({ kind }) => kind === "damaged")).toMatchObject([
      { table: "actors", reason: "TAGS_UNREADABLE" },
    ]);
    const orphans = rows.filter((row) => row.kind === "dedup" && row.owner === undefined);
    expect(orphans).toHaveLength(1);
    expect(rows.filter(({ kind }) => kind === "actor")).toHaveLength(1);
  }),
);

test.skipIf(absent)("a failing commit degrades the health until one succeeds", async () => {
  const recorded: RecordedHealth[] = [];
  await withPostgres(async (store, edit) => {
    const session = await openSession(store);
    const mine = await claim(store, session.id, actorId("a"));
    await edit("ALTER TABLE @dedup RENAME TO elsewhere");
    const recording = turn(mine, 0, { change: set("x"), dedup: [dedupOf("r", 1)] });
    const refusal = { code: "internal.bug", outcome: "not_applied" };
    expect(await rejectionOf(commit(store, session.id, recording))).toMatchObject(refusal);
    expect((await store.read(actorId("a")))?.revision).toBe(0);
    expect(recorded.map(({ health }) => health)).toEqual(["degraded"]);
    await edit("ALTER TABLE @elsewhere RENAME TO dedup");
    await save(store, mine, 0, "once more");
    expect(recorded.map(({ health }) => health)).toEqual(["degraded", "ok"]);
  }, recorded);
});
