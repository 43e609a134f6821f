import type { Failure } from "../kit/failure.ts";
import type { OpenOptions } from "./open-store.ts";
import type { SqliteEngine } from "./sqlite-engine.ts";

/**
 * What may be called on the store's thread besides commits, which travel as frames. One function
 * per call: both sides take their types from here.
 */
export const SQLITE_CALLS = {
  version: (engine) => engine.version(),
  openSession: (engine, request) => engine.sessions.open(request),
  renewSession: (engine, id, ttlMs) => engine.sessions.renew(id, ttlMs),
  closeSession: (engine, id) => engine.sessions.close(id),
  fenceSession: (engine, id, evict) => engine.sessions.fence(id, evict),
  listSessions: (engine) => engine.sessions.list(),
  claim: (engine, request) => engine.actors.claim(request),
  epochs: (engine, actors) => engine.actors.epochs(actors),
  read: (engine, actor) => engine.actors.read(actor),
  dedup: (engine, actor, requestId) => engine.dedup.find(actor, requestId),
  release: (engine, sessionId, actors) => engine.actors.release(sessionId, actors),
  prune: (engine, ageMs, keep, limit) => engine.dedup.prune(ageMs, keep, limit),
  search: (engine, query) => engine.search.list(query),
  pastState: (engine, actor, revision) => engine.history.byRevision(actor, revision),
  pastStates: (engine, actor, range) => engine.history.list(actor, range),
  prunePast: (engine, of) => engine.history.prune(of),
  dueMessages: (engine, limit, holdMs) => engine.outbox.due(limit, holdMs),
  ackMessages: (engine, rowIds) => engine.outbox.ack(rowIds),
  retryMessage: (engine, rowId, delayMs) => engine.outbox.retry(rowId, delayMs),
  killMessage: (engine, rowId, reason) => engine.outbox.deadLetter(rowId, reason),
  deadMessages: (engine, limit) => engine.outbox.deadLetters(limit),
  dueSchedules: (engine, limit, holdMs) => engine.schedules.due(limit, holdMs),
  ackSchedule: (engine, rowId, seen, next) => engine.schedules.ack(rowId, seen, next),
  listSchedules: (engine, actor) => engine.schedules.list(actor),
  putTypes: (engine, types) => engine.registry.putTypes(types),
  listTypes: (engine) => engine.registry.types(),
  getMeta: (engine, name) => engine.registry.get(name),
  putMetaIfAbsent: (engine, name, value) => engine.registry.putIfAbsent(name, value),
  putMeta: (engine, name, value) => engine.registry.put(name, value),
  resealStep: (engine, position, keyId, limit) => engine.reseal.step(position, keyId, limit),
  reseal: (engine, row, sealed) => engine.reseal.replace(row, sealed),
  countRows: (engine) => engine.portabilityReader.count(),
  readRows: (engine, position, limit) => engine.portabilityReader.read(position, limit),
  writeRows: (engine, rows) => engine.portabilityWriter.write(rows),
  countStep: (engine, position) => engine.reseal.count(position),
  findSeeds: (engine, actors) => engine.seeds.find(actors),
} as const satisfies SqliteCallTable;

/** The signature of every call. */
export interface SqliteCallTypes {
  version: SqliteEngine["version"];
  openSession: SqliteEngine["sessions"]["open"];
  renewSession: SqliteEngine["sessions"]["renew"];
  closeSession: SqliteEngine["sessions"]["close"];
  fenceSession: SqliteEngine["sessions"]["fence"];
  listSessions: SqliteEngine["sessions"]["list"];
  claim: SqliteEngine["actors"]["claim"];
  epochs: SqliteEngine["actors"]["epochs"];
  read: SqliteEngine["actors"]["read"];
  dedup: SqliteEngine["dedup"]["find"];
  release: SqliteEngine["actors"]["release"];
  prune: SqliteEngine["dedup"]["prune"];
  search: SqliteEngine["search"]["list"];
  pastState: SqliteEngine["history"]["byRevision"];
  pastStates: SqliteEngine["history"]["list"];
  prunePast: SqliteEngine["history"]["prune"];
  dueMessages: SqliteEngine["outbox"]["due"];
  ackMessages: SqliteEngine["outbox"]["ack"];
  retryMessage: SqliteEngine["outbox"]["retry"];
  killMessage: SqliteEngine["outbox"]["deadLetter"];
  deadMessages: SqliteEngine["outbox"]["deadLetters"];
  dueSchedules: SqliteEngine["schedules"]["due"];
  ackSchedule: SqliteEngine["schedules"]["ack"];
  listSchedules: SqliteEngine["schedules"]["list"];
  putTypes: SqliteEngine["registry"]["putTypes"];
  listTypes: SqliteEngine["registry"]["types"];
  getMeta: SqliteEngine["registry"]["get"];
  putMetaIfAbsent: SqliteEngine["registry"]["putIfAbsent"];
  putMeta: SqliteEngine["registry"]["put"];
  resealStep: SqliteEngine["reseal"]["step"];
  reseal: SqliteEngine["reseal"]["replace"];
  countRows: SqliteEngine["portabilityReader"]["count"];
  readRows: SqliteEngine["portabilityReader"]["read"];
  writeRows: SqliteEngine["portabilityWriter"]["write"];
  countStep: SqliteEngine["reseal"]["count"];
  findSeeds: SqliteEngine["seeds"]["find"];
}

/** The name of a call. */
export type SqliteCall = keyof SqliteCallTypes;

type SqliteCallTable = {
  readonly [Name in SqliteCall]: (
    engine: SqliteEngine,
    ...args: Parameters<SqliteCallTypes[Name]>
  ) => ReturnType<SqliteCallTypes[Name]>;
};

/** What a store is opened for. */
export type OpenWork = "serve" | "plan" | "migrate";

/** What the store's thread is sent, besides commit frames. */
export type SqliteRequest =
  | {
      readonly kind: "open";
      readonly id: number;
      /** Serve the store from now on, or only look at its schema or bring that up to date. */
      readonly work: OpenWork;
      readonly options: OpenOptions;
    }
  | { readonly kind: "stop"; readonly id: number }
  | {
      readonly kind: "call";
      readonly id: number;
      readonly name: SqliteCall;
      readonly args: readonly unknown[];
    };

/** What it answers, besides result frames. */
export type SqliteAnswer =
  | { readonly kind: "value"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly failure: Failure };
