import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Statestore } from "../../../src/contract/index.ts";
import {
  actorId,
  bytes,
  type Claimed,
  claim,
  commit,
  dedupOf,
  messageTo,
  openSession,
  scheduleOf,
  set,
  turn,
} from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { defaultOptions } from "../../../test/support/tds/mssql-options.ts";
import type { TdsRequest } from "../../../test/support/tds/tds-requests.ts";
import { TsqlServer } from "../../../test/support/tds/tsql-server.ts";
import type { ListName } from "./commit-lists.ts";
import { LIST_NAMES } from "./commit-lists.ts";
import { CommitPlan } from "./commit-plan.ts";
import mssql from "./plugin.ts";
import { sentText } from "./statement-text.ts";

/*
 * Every statement that the store sends, as the server gets it, one file per call, with GO between
 * requests and the parameters of each before it. TROUPE_TEST_WRITE_GOLDEN=1 writes the files anew;
 * whoever has a SQL Server can parse them there.
 */
const FOLDER = join(import.meta.dir, "golden");
const WRITES = process.env["TROUPE_TEST_WRITE_GOLDEN"] === "1";

/** What the calls share: the store, and actors that are claimed. */
interface Stage {
  readonly store: Statestore;
  sessionId: number;
  a: Claimed;
  b: Claimed;
}

type Call = (stage: Stage) => Promise<unknown>;

const history = { kind: "last", count: 2 } as const;
const signal = () => AbortSignal.timeout(10_000);

const everything = (stage: Stage) =>
  turn(stage.a, 1, {
    change: set("two", { color: "red", size: "xl" }),
    seed: bytes("seed"),
    dedup: [dedupOf("r2", 2)],
    outbox: [messageTo(actorId("b"), 2, 0), messageTo(actorId("c"), 2, 1)],
    schedules: [scheduleOf("s", 0), { kind: "cancel", name: "t" }],
    history: [{ revision: 2, state: undefined, tags: {}, action: "add" }],
    historyPolicy: history,
  });

const shredding = (stage: Stage) =>
  turn(stage.a, 2, {
    change: { kind: "remove" },
    shred: true,
    history: [{ revision: 3, state: undefined, tags: {}, action: "shred" }],
    historyPolicy: history,
  });

const page = async ({ store }: Stage) => {
  let position: string | undefined = "";
  while (position !== undefined) position = (await store.portability?.read(position, 100))?.next;
};

const copy = async ({ store }: Stage) => {
  const read = await store.portability?.read("", 100);
  await store.portability?.write(read?.rows ?? []);
};

/** The calls in the order they are made; each sends something. */
const CALLS: Readonly<Record<string, Call>> = {
  "migrations-plan": ({ store }) => store.migrations?.plan(signal()) ?? Promise.resolve(),
  start: ({ store }) => store.start?.(signal()) ?? Promise.resolve(),
  "sessions-open": async (stage) => {
    stage.sessionId = (await openSession(stage.store)).id;
  },
  "sessions-renew": ({ store, sessionId }) => store.sessions.renew(sessionId, 600_000),
  "sessions-list": ({ store }) => store.sessions.list(),
  "sessions-fence": ({ store }) => store.sessions.fence(99, false),
  "sessions-evict": ({ store }) => store.sessions.fence(99, true),
  "sessions-close": ({ store }) => store.sessions.close(99),
  "claim-one": async (stage) => {
    stage.a = await claim(stage.store, stage.sessionId, actorId("a"));
  },
  "claim-many": ({ store, sessionId }) => {
    const actors = ["b", "c", "d"].map((key) => actorId(key));
    return store.claim({ sessionId, actors, maxRequestIds: 10 });
  },
  "claim-owned": async ({ store }) => {
    const other = await openSession(store, "node-2");
    const request = { sessionId: other.id, actors: [actorId("a")], maxRequestIds: 10 };
    expect((await store.claim(request))[0]?.kind).toBe("owned");
  },
  "commit-state": ({ store, a }) =>
    commit(store, a.sessionId, turn(a, 0, { change: set("one"), dedup: [dedupOf("r1", 1)] })),
  "commit-reply": ({ store, a }) =>
    commit(store, a.sessionId, turn(a, 1, { revision: 1, dedup: [dedupOf("r", 1)] })),
  "commit-everything": ({ store, a, ...rest }) =>
    commit(store, a.sessionId, everything({ store, a, ...rest })),
  "commit-shred": ({ store, a, ...rest }) =>
    commit(store, a.sessionId, shredding({ store, a, ...rest })),
  "commit-conflict": async ({ store, a }) => {
    expect(await commit(store, a.sessionId, turn(a, 9))).toEqual(["conflict"]);
  },
  epochs: ({ store }) => store.epochs([actorId("a"), actorId("b")]),
  seeds: ({ store }) => store.seeds?.find([actorId("a")]) ?? Promise.resolve(),
  read: ({ store }) => store.read(actorId("a")),
  release: ({ store, a }) => store.release(a.sessionId, [a]),
  "dedup-find": ({ store }) => store.dedup(actorId("a"), "r1"),
  "dedup-prune": ({ store }) => store.prune(0, 1, 100),
  "types-put": ({ store }) => store.types.put([]).then(() => store.types.list()),
  "meta-get": ({ store }) => store.meta.get("name"),
  "meta-put": ({ store }) => store.meta.put("name", bytes("value")),
  "meta-put-if-absent": ({ store }) => store.meta.putIfAbsent("name", bytes("value")),
  "search-all": ({ store }) =>
    store.search?.list({ system: "default", limit: 10 }) ?? Promise.resolve(),
  "search-type-tags": ({ store }) =>
    store.search?.list({
      system: "default",
      type: "counter",
      keyPrefix: "a",
      tags: { color: "red", size: "xl" },
      after: { type: "counter", key: "a" },
      limit: 10,
    }) ?? Promise.resolve(),
  "history-by-revision": ({ store }) =>
    store.history?.byRevision(actorId("a"), 1) ?? Promise.resolve(),
  "history-list": ({ store }) =>
    store.history?.list(actorId("a"), { limit: 10 }) ?? Promise.resolve(),
  "history-prune-last": ({ store }) =>
    store.history?.prune({
      system: "default",
      type: "counter",
      policy: { kind: "last", count: 0 },
      limit: 10,
    }) ?? Promise.resolve(),
  "history-prune-duration": ({ store }) =>
    store.history?.prune({
      system: "default",
      type: "counter",
      policy: { kind: "duration", ms: 1 },
      limit: 10,
    }) ?? Promise.resolve(),
  "outbox-due": ({ store, sessionId }) =>
    store.outbox?.due(sessionId, 10, 60_000) ?? Promise.resolve(),
  "outbox-retry": ({ store }) => store.outbox?.retry(1, 0, "busy") ?? Promise.resolve(),
  "outbox-dead": async ({ store }) => {
    await store.outbox?.deadLetter(1, "no such action");
    await store.outbox?.deadLetters(10);
  },
  "outbox-ack": ({ store }) => store.outbox?.ack([1]) ?? Promise.resolve(),
  "schedules-due": ({ store, sessionId }) =>
    store.schedules?.due(sessionId, 10, 60_000) ?? Promise.resolve(),
  "schedules-list": ({ store }) => store.schedules?.list(actorId("a")) ?? Promise.resolve(),
  "schedules-move": ({ store }) => store.schedules?.ack(1, 0, 5) ?? Promise.resolve(),
  "schedules-remove": ({ store }) => store.schedules?.ack(1, 5, undefined) ?? Promise.resolve(),
  "resealing-pending": async ({ store }) => {
    const rows = (await store.resealing?.pending(new Uint8Array(8), 100)) ?? [];
    const [first] = rows;
    if (first !== undefined) await store.resealing?.replace(first, bytes("sealed anew"));
  },
  "resealing-count": ({ store }) => store.resealing?.countByKey() ?? Promise.resolve(),
  "portability-count": ({ store }) => store.portability?.count() ?? Promise.resolve(),
  "portability-read": page,
  "portability-write": copy,
};

/** Statements of a batch that is too large for one. */
function partsText(): string {
  const plan = new CommitPlan((name) => `dbo.${name}`);
  const lists = LIST_NAMES.map((name: ListName) => plan.listStatement(name, 2));
  const compared = (["writing", "advancing"] as const).map((kind) =>
    plan.compareStatement(kind, 2),
  );
  return [...compared, ...lists].map(({ text }) => `${sentText(text).text}\n`).join("GO\n");
}

const server = new TsqlServer();
const texts = new Map<string, string>([["commit-parts", partsText()]]);

/** A request as its file has it. */
function textOf(request: TdsRequest): string {
  if (request.kind === "batch") return `${request.text}\n`;
  if (request.kind !== "statement") return `-- ${request.kind} transaction\n`;
  const declared = request.declared === "" ? "" : `-- ${request.declared}\n`;
  return `${declared}${request.text.replaceAll(/\n +/g, "\n  ").trim()}\n`;
}

beforeAll(async () => {
  await server.start();
  const sent: string[] = [];
  server.database("golden").intercept = (request) => {
    sent.push(textOf(request));
    return undefined;
  };
  const url = server.url("golden");
  const store = mssql.create({ ...defaultOptions(), url }, statestoreHost("", { shared: true }));
  const stage = { store, sessionId: 0 } as unknown as Stage;
  for (const [name, call] of Object.entries(CALLS)) {
    sent.length = 0;
    await call(stage);
    texts.set(name, [...new Set(sent)].join("GO\n"));
  }
  await store.stop?.(signal());
  if (!WRITES) return;
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of texts) writeFileSync(join(FOLDER, `${name}.sql`), text);
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the statements sent are those of the golden files", () => {
  test.each([...Object.keys(CALLS), "commit-parts"])("%s", (name) => {
    const path = join(FOLDER, `${name}.sql`);
    expect(existsSync(path)).toBe(true);
    expect(texts.get(name)).toBe(readFileSync(path, "utf8"));
    expect(texts.get(name)).not.toBe("");
  });

  test("and there are no others", () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.sql$/, ""));
    expect(files.sort()).toEqual([...texts.keys()].sort());
  });
});
