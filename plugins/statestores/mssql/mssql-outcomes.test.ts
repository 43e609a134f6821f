import { describe, expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  bytes,
  type Claimed,
  claim,
  commit,
  dedupOf,
  json,
  messageTo,
  openSession,
  rejectionOf,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import type { RecordedHealth } from "../../../test/conformance/support/statestore-host.ts";
import { MssqlStage } from "../../../test/support/tds/mssql-store.ts";
import type { TdsAnswer } from "../../../test/support/tds/tds-handler.ts";
import type { TdsRequest } from "../../../test/support/tds/tds-requests.ts";

const TRIES = 3;

/** A store with one claimed actor, over a database that a test disturbs. */
async function staged(
  body: (stage: MssqlStage, store: Statestore, mine: Claimed) => Promise<void>,
  recorded: RecordedHealth[] = [],
): Promise<void> {
  await using stage = await MssqlStage.start();
  const host = { transactionTries: TRIES, queryTimeoutMs: 1_000, recorded };
  const store = await stage.open({ poolSize: 2, connectTimeout: 500 }, host);
  const session = await openSession(store);
  await body(stage, store, await claim(store, session.id, actorId("a")));
}

const isCommit = (request: TdsRequest): boolean =>
  request.kind === "statement" && request.text.includes("DECLARE @won");

const say = (number: number): TdsAnswer => ({
  kind: "error",
  number,
  message: `message ${number}`,
});

const saving = (mine: Claimed) => turn(mine, 0, { change: set("one"), dedup: [dedupOf("r", 1)] });

describe("a commit", () => {
  test("is one request, and so is a claim", () =>
    staged(async (stage, store, mine) => {
      const seen: string[] = [];
      stage.database.intercept = (request) => {
        seen.push(request.kind);
        return undefined;
      };
      await store.claim({
        sessionId: mine.sessionId,
        actors: ["b", "c", "d"].map((key) => actorId(key)),
        maxRequestIds: 10,
      });
      expect(seen).toEqual(["statement"]);
      const outbox = [messageTo(actorId("b"), 1, 0)];
      expect(await commit(store, mine.sessionId, { ...saving(mine), outbox })).toEqual([
        "committed",
      ]);
      expect(seen).toEqual(["statement", "statement"]);
    }));

  test("whose connection breaks before it arrives is unknown, and nothing is there", () =>
    staged(async (stage, store, mine) => {
      stage.database.intercept = (request) => (isCommit(request) ? { kind: "cut" } : undefined);
      const failure = await rejectionOf(commit(store, mine.sessionId, saving(mine)));
      expect(failure).toMatchObject({
        code: "state.unavailable",
        outcome: "unknown",
        details: { reason: "STORE_UNREACHABLE" },
      });
      expect(await store.read(actorId("a"))).toMatchObject({ revision: 0 });
    }));

  test("whose answer is lost is unknown, and everything is there", () =>
    staged(async (stage, store, mine) => {
      stage.database.interceptAnswer = (request, answer) =>
        isCommit(request) ? { kind: "cut" } : answer;
      const failure = await rejectionOf(commit(store, mine.sessionId, saving(mine)));
      expect(failure).toMatchObject({ code: "state.unavailable", outcome: "unknown" });
      stage.database.interceptAnswer = (_request, answer) => answer;
      expect(await store.read(actorId("a"))).toMatchObject({ revision: 1, state: json("one") });
      expect(await store.dedup(actorId("a"), "r")).toEqual(dedupOf("r", 1));
      expect(await commit(store, mine.sessionId, saving(mine))).toEqual(["conflict"]);
    }));

  test("that does not answer in time is unknown", () =>
    staged(async (stage, store, mine) => {
      stage.database.intercept = (request) => (isCommit(request) ? { kind: "silence" } : undefined);
      const failure = await rejectionOf(commit(store, mine.sessionId, saving(mine)));
      expect(failure).toMatchObject({ outcome: "unknown", details: { reason: "STORE_TIMEOUT" } });
      expect(stage.server.double.attentions).toBe(1);
    }));

  test("is repeated after a deadlock", () =>
    staged(async (stage, store, mine) => {
      let refusals = 0;
      stage.database.intercept = (request) => {
        if (!isCommit(request) || refusals === TRIES - 1) return undefined;
        refusals += 1;
        return say(1205);
      };
      expect(await commit(store, mine.sessionId, saving(mine))).toEqual(["committed"]);
      expect(refusals).toBe(TRIES - 1);
    }));

  test.each([
    [1205, "STORE_BUSY", TRIES],
    [2627, "STORE_BUSY", TRIES],
    [1105, "STORE_FULL", 1],
    [229, "STORE_PERMISSION", 1],
  ] as const)("that is refused with %d is %s after %d tries", (number, reason, tries) => {
    const recorded: RecordedHealth[] = [];
    return staged(async (stage, store, mine) => {
      let asked = 0;
      stage.database.intercept = (request) => {
        if (!isCommit(request)) return undefined;
        asked += 1;
        return say(number);
      };
      const failure = await rejectionOf(commit(store, mine.sessionId, saving(mine)));
      expect(failure).toMatchObject({ outcome: "not_applied", details: { reason } });
      expect(asked).toBe(tries);
      stage.database.intercept = () => undefined;
      expect(await commit(store, mine.sessionId, saving(mine))).toEqual(["committed"]);
      expect(recorded.map(({ health }) => health)).toEqual(["degraded", "ok"]);
    }, recorded);
  });
});

/** Many actors that are claimed, more than one statement has room for. */
async function claimMany(store: Statestore, sessionId: number): Promise<readonly Claimed[]> {
  const actors = Array.from({ length: 400 }, (_, index) => actorId(`many-${index}`));
  const answers = await store.claim({ sessionId, actors, maxRequestIds: 1 });
  return answers.map((answer, index) => {
    if (answer.kind !== "claimed") throw new Error("not claimed");
    return { ...answer, actor: actors[index] ?? actorId(""), sessionId };
  });
}

const manyTurns = (claimed: readonly Claimed[]) =>
  claimed.map((one, index) =>
    turn(one, index % 10 === 0 ? 7 : 0, {
      change: index % 3 === 0 ? { kind: "keep" } : set(`state ${index}`, { tag: "t" }),
      dedup: [dedupOf(`r${index}`, 1)],
      outbox: [messageTo(actorId("sink"), 1, 0), messageTo(actorId("sink"), 1, 1)],
    }),
  );

describe("a batch that is too large for one statement", () => {
  test("is one transaction, in which losers write nothing", () =>
    staged(async (stage, store, mine) => {
      const claimed = await claimMany(store, mine.sessionId);
      const seen: TdsRequest[] = [];
      stage.database.intercept = (request) => {
        seen.push(request);
        return undefined;
      };
      const results = await commit(store, mine.sessionId, ...manyTurns(claimed));
      expect(results.filter((result) => result === "conflict")).toHaveLength(40);
      expect(results.filter((result) => result === "committed")).toHaveLength(360);
      const kinds = seen.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "begin")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "commit")).toHaveLength(1);
      const most = Math.max(
        ...seen.map((request) => (request.kind === "statement" ? request.values.length : 0)),
      );
      expect(most).toBeGreaterThan(1_000);
      expect(most).toBeLessThanOrEqual(2_098);
      const count = (table: string) => stage.database.rows(`SELECT count(*) FROM ${table}`)[0]?.[0];
      expect(count("dedup")).toBe(360n);
      expect(count("outbox")).toBe(720n);
      expect(count("actor_tags")).toBe(240n);
    }));

  test("leaves nothing behind if any part fails", () =>
    staged(async (stage, store, mine) => {
      const claimed = await claimMany(store, mine.sessionId);
      stage.database.intercept = (request) =>
        request.kind === "statement" && request.text.includes("INSERT INTO dbo.outbox")
          ? { ...say(1105), rolledBack: false }
          : undefined;
      const failure = await rejectionOf(commit(store, mine.sessionId, ...manyTurns(claimed)));
      expect(failure).toMatchObject({ outcome: "not_applied", details: { reason: "STORE_FULL" } });
      for (const table of ["dedup", "outbox", "actor_tags"]) {
        expect(stage.database.rows(`SELECT count(*) FROM ${table}`)).toEqual([[0n]]);
      }
      expect((await store.read(actorId("many-1")))?.revision).toBe(0);
    }));
});

describe("rows that cannot be read", () => {
  test.each([
    ["a name of another actor", "actor_type = 'other'", "ROW_MISMATCH"],
    ["no epoch", "epoch = -1", "EPOCH_INVALID"],
    ["an epoch at its end", "epoch = 9007199254740991", "EPOCH_EXHAUSTED"],
    ["a state without a revision", "revision = 0", "REV_INVALID"],
    ["a state without a type", "state_type = NULL", "STATE_UNREADABLE"],
    ["tags that are none", "tags = '{'", "TAGS_UNREADABLE"],
  ])("are neither claimed nor changed: %s", (_name, damage, reason) =>
    staged(async (stage, store, mine) => {
      expect(await commit(store, mine.sessionId, saving(mine))).toEqual(["committed"]);
      stage.database.run(`UPDATE actors SET ${damage}`);
      const before = stage.database.rows("SELECT * FROM actors");
      const request = { sessionId: mine.sessionId, actors: [actorId("a")], maxRequestIds: 10 };
      expect(await store.claim(request)).toEqual([{ kind: "damaged", reason }]);
      expect(stage.database.rows("SELECT * FROM actors")).toEqual(before);
      const failure = await rejectionOf(store.read(actorId("a")));
      expect(failure).toMatchObject({ code: "state.corrupt", details: { reason } });
    }),
  );
});

describe("a server that goes away", () => {
  test("is said so, and comes back without a restart", () => {
    const recorded: RecordedHealth[] = [];
    return staged(async (stage, store, mine) => {
      await stage.server.double.stop();
      // A connection whose end nobody has seen yet may take a first statement with it.
      await rejectionOf(store.read(actorId("a")));
      const failure = await rejectionOf(commit(store, mine.sessionId, saving(mine)));
      expect(failure).toMatchObject({
        code: "state.unavailable",
        outcome: "not_applied",
        details: { reason: "STORE_UNREACHABLE" },
      });
      expect(recorded.at(-1)?.health).toBe("degraded");
      await stage.server.start();
      expect(await commit(store, mine.sessionId, saving(mine))).toEqual(["committed"]);
      expect(recorded.at(-1)?.health).toBe("ok");
      expect(await store.sessions.renew(mine.sessionId, 60_000)).toBe("renewed");
      expect((await store.read(actorId("a")))?.state?.data).toEqual(bytes("one"));
    }, recorded);
  });
});
