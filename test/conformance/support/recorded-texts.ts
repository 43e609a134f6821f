import { actorIdentity } from "../../../plugins/statestores/kit/identity.ts";
import { ActorTable } from "../../../plugins/statestores/kit/sql/actor-table.ts";
import { ClaimTable } from "../../../plugins/statestores/kit/sql/claim-table.ts";
import { CommitTable } from "../../../plugins/statestores/kit/sql/commit-table.ts";
import { DedupTable } from "../../../plugins/statestores/kit/sql/dedup-table.ts";
import type { SqlDialect } from "../../../plugins/statestores/kit/sql/dialect.ts";
import { HistoryTable } from "../../../plugins/statestores/kit/sql/history-table.ts";
import { OutboxTable } from "../../../plugins/statestores/kit/sql/outbox-table.ts";
import { PortableTables } from "../../../plugins/statestores/kit/sql/portable-table.ts";
import { NamedValueTable, TypeTable } from "../../../plugins/statestores/kit/sql/registry-table.ts";
import { ResealTable } from "../../../plugins/statestores/kit/sql/reseal-table.ts";
import { ScheduleTable } from "../../../plugins/statestores/kit/sql/schedule-table.ts";
import { schemaSteps } from "../../../plugins/statestores/kit/sql/schema-steps.ts";
import { SearchTable } from "../../../plugins/statestores/kit/sql/search-table.ts";
import { SessionTable } from "../../../plugins/statestores/kit/sql/session-table.ts";
import { SqlAccess } from "../../../plugins/statestores/kit/sql/sql-access.ts";
import type { SqlClient, SqlRow } from "../../../plugins/statestores/kit/sql/sql-client.ts";
import { SPEC } from "./portable-rows.ts";
import { actorId, bytes, dedupOf, json, messageTo, scheduleOf, set } from "./statestore-fixture.ts";
import { statestoreHost } from "./statestore-host.ts";

/** Answers whatever lets the tables go on to their next statement, and keeps the texts. */
function recorder(texts: Set<string>): SqlClient {
  const a = actorIdentity(actorId("a"));
  const answers: readonly (readonly [RegExp, ...(readonly SqlRow[])])[] = [
    [/SELECT n FROM won/, [0], [1]],
    [/^SELECT id FROM \S*sessions WHERE id = \$1 AND state = 'up' AND/, [1]],
    [/^SELECT a\.actor, a\.owner/, [a, 9, null, null, null, 0, ...actorColumns()]],
    [/^SELECT committed_ms, actor, request_id/, [1, a, bytes("r")]],
    [/^SELECT r\.actor, r\.request_id/, [a, bytes("r")]],
    [/^SELECT a\.actor, a\.actor_key/, [a, bytes("a")]],
    [/^SELECT r\.actor, r\.revision/, [a, 1]],
    [/^SELECT o\.number/, [1, bytes("i"), 1, 0, "s", "t", bytes("k"), "x", 0, 0, bytes("b"), "s"]],
    [/^SELECT s\.number FROM/, [1]],
  ];
  const run: SqlClient["run"] = async ({ text }) => {
    texts.add(text);
    const [, ...rows] = answers.find(([pattern]) => pattern.test(text)) ?? [];
    return { rows: rows as readonly SqlRow[], changed: 1 };
  };
  return {
    open: async () => undefined,
    close: async () => undefined,
    run,
    transaction: (body) => body({ run }),
  };
}

function actorColumns(): SqlRow {
  return ["default", "counter", bytes("a"), 1, 1, "{}", bytes("application/json"), bytes("x")];
}

const commitOf = (key: string, changes: object) => {
  const base = { actor: actorId(key), handle: 0, epoch: 1, baseRevision: 0, revision: 1 };
  const none = { dedup: [], outbox: [], schedules: [], history: [] };
  const change = { kind: "keep" } as const;
  return {
    ...base,
    ...none,
    change,
    historyPolicy: { kind: "last", count: 2 } as const,
    ...changes,
  };
};

/**
 * Every statement of a dialect by concern, each text once, in the order it is first run; lists have the
 * two smallest sizes.
 */
export async function statementTexts(
  dialect: SqlDialect,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const host = statestoreHost("", { queryTimeoutMs: 0 });
  const found: Record<string, readonly string[]> = {
    schema: schemaSteps(dialect, (name) => dialect.table(name)).flatMap(
      ({ statements }) => statements,
    ),
  };
  const record = async (
    name: string,
    ...calls: readonly ((access: SqlAccess) => Promise<unknown>)[]
  ): Promise<void> => {
    const texts = new Set<string>();
    const access = new SqlAccess(host, dialect);
    access.open(recorder(texts));
    // Answers that make no sense are refused, after the text was run.
    for (const call of calls) await call(access).catch(() => undefined);
    found[name] = [...texts];
  };
  await record(
    "start",
    (access) => dialect.facts(access.client),
    (access) => dialect.schema.catalog(access.client),
    (access) => dialect.schema.exclusively(access.client, async () => undefined),
  );
  const two = [actorId("a"), actorId("b")];
  await record(
    "sessions",
    (access) =>
      new SessionTable(access).open({ nodeName: "n", bootId: "b", address: "", ttlMs: 1 }),
    (access) => new SessionTable(access).renew(1, 1),
    (access) => new SessionTable(access).close(1),
    (access) => new SessionTable(access).fence(1, true),
    (access) => new SessionTable(access).fence(1, false),
    (access) => new SessionTable(access).list(),
  );
  const ask = { sessionId: 1, maxRequestIds: 1 };
  await record(
    "claims",
    (access) => new ClaimTable(access).claim({ ...ask, actors: [actorId("a")] }),
    (access) => new ClaimTable(access).claim({ ...ask, actors: two }),
  );
  await record("commits", ...commitCalls(host));
  await record(
    "actors",
    (access) => new ActorTable(access).epochs(two),
    (access) => new ActorTable(access).seeds(two),
    (access) => new ActorTable(access).read(actorId("a")),
    (access) =>
      new ActorTable(access).release(
        1,
        two.map((actor) => ({ actor, epoch: 1 })),
      ),
  );
  await recordOthers(record);
  return found;
}

function commitCalls(
  host: ReturnType<typeof statestoreHost>,
): readonly ((access: SqlAccess) => Promise<unknown>)[] {
  const same = { change: { ...set("x"), sameTags: true } };
  const effects = {
    change: set("x", { a: "b" }),
    shred: true,
    dedup: [dedupOf("r", 1)],
    outbox: [messageTo(actorId("t"), 1, 0)],
    schedules: [scheduleOf("s", 1)],
    history: [{ revision: 1, state: json("x"), tags: {}, action: "add" }],
    historyPolicy: { kind: "all" },
  };
  const batches = [
    [commitOf("a", same)],
    [commitOf("a", same), commitOf("b", same)],
    [commitOf("a", { ...same, dedup: [dedupOf("r", 1)] })],
    [commitOf("a", { ...same, dedup: [dedupOf("r", 1), dedupOf("s", 1)] })],
    [commitOf("a", effects), commitOf("b", { seed: bytes("seed") })],
  ];
  return batches.map(
    (commits) => (access) => new CommitTable(host, access).commit({ sessionId: 1, commits }),
  );
}

async function recordOthers(
  record: (
    name: string,
    ...calls: readonly ((access: SqlAccess) => Promise<unknown>)[]
  ) => Promise<void>,
): Promise<void> {
  const type = { system: "default", type: "counter", limit: 10 };
  await record(
    "replies",
    (access) => new DedupTable(access).find(actorId("a"), "r"),
    (access) => new DedupTable(access).prune(1, 1, 10),
  );
  await record(
    "history",
    (access) => new HistoryTable(access).byRevision(actorId("a"), 1),
    (access) => new HistoryTable(access).list(actorId("a"), { limit: 1 }),
    (access) => new HistoryTable(access).prune({ ...type, policy: { kind: "last", count: 1 } }),
    (access) => new HistoryTable(access).prune({ ...type, policy: { kind: "duration", ms: 1 } }),
  );
  await record(
    "queues",
    (access) => new OutboxTable(access).due(1, 10, 10),
    (access) => new OutboxTable(access).ack([1]),
    (access) => new OutboxTable(access).retry(1, 1),
    (access) => new OutboxTable(access).deadLetter(1, "x"),
    (access) => new OutboxTable(access).deadLetters(1),
    (access) => new ScheduleTable(access).due(1, 10, 10),
    (access) => new ScheduleTable(access).ack(1, 1, 2),
    (access) => new ScheduleTable(access).ack(1, 1, undefined),
    (access) => new ScheduleTable(access).list(actorId("a")),
  );
  await record(
    "search",
    (access) => new SearchTable(access).list({ system: "default", limit: 1 }),
    (access) => new SearchTable(access).list(type),
    (access) => new SearchTable(access).list({ ...type, tags: { a: "b", c: "d" } }),
    (access) => new SearchTable(access).list({ system: "default", tags: { a: "b" }, limit: 1 }),
  );
  await record(
    "names",
    (access) => new TypeTable(access).put([SPEC]),
    (access) => new TypeTable(access).list(),
    (access) => new NamedValueTable(access).get("n"),
    (access) => new NamedValueTable(access).put("n", bytes("v")),
    (access) => new NamedValueTable(access).putIfAbsent("n", bytes("v")),
  );
  const sealed = { rowId: 1, actor: actorId("a"), revision: 1, label: "", before: bytes("b") };
  const purposes = ["state", "history", "dedup", "outbox", "schedule", "seed"] as const;
  await record(
    "re-encryption",
    (access) => new ResealTable(access).pending(bytes("12345678"), 10),
    ...purposes.map(
      (purpose) => (access: SqlAccess) =>
        new ResealTable(access).replace({ ...sealed, purpose }, bytes("a")),
    ),
    (access) => new ResealTable(access).countByKey(),
  );
  await record(
    "moving",
    (access) => new PortableTables(access).count(),
    (access) => new PortableTables(access).read("", 10),
    (access) => new PortableTables(access).write(PAGE),
  );
}

const OWNER = actorId("a");
const PAGE: Parameters<PortableTables["write"]>[0] = [
  { kind: "type", spec: SPEC },
  { kind: "meta", name: "n", value: bytes("v") },
  {
    kind: "actor",
    actor: OWNER,
    epoch: 1,
    revision: 1,
    state: json("x"),
    tags: { a: "b" },
    updatedMs: 1,
  },
  { kind: "seed", owner: OWNER, wrapped: bytes("w") },
  {
    kind: "history",
    owner: OWNER,
    entry: { revision: 1, committedMs: 1, state: json("x"), tags: {}, action: "add" },
  },
  { kind: "dedup", owner: OWNER, record: dedupOf("r", 1), committedMs: 1 },
  {
    kind: "outbox",
    owner: OWNER,
    message: messageTo(actorId("t"), 1, 0),
    dueMs: 1,
    attempts: 0,
    deadReason: undefined,
  },
  {
    kind: "schedule",
    owner: OWNER,
    name: "s",
    dueMs: 1,
    repeat: "",
    action: "tick",
    body: bytes("b"),
  },
];
