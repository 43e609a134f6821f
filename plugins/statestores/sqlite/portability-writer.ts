import type { ActorId, PortableRow } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { actorIdentity, actorPath } from "../kit/identity.ts";
import { encodeTags } from "../kit/row-codec.ts";
import type { DedupTable } from "./dedup-table.ts";
import type { SqlStatement } from "./driver.ts";
import type { HistoryTable } from "./history-table.ts";
import { CLUSTER } from "./migrations.ts";
import type { SeedTable } from "./seed-table.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

type RowOf<Kind extends PortableRow["kind"]> = Extract<PortableRow, { readonly kind: Kind }>;

/** Row numbers by actor, as far as one transaction has met them. */
type Handles = Map<string, number>;

/** The tables that know how their rows are put. */
export interface WrittenTables {
  readonly dedup: DedupTable;
  readonly history: HistoryTable;
  readonly seeds: SeedTable;
}

/** Puts rows of another store where commits would have put them. */
export class PortabilityWriter {
  readonly #connection: SqliteConnection;
  readonly #tables: WrittenTables;
  readonly #type: SqlStatement;
  readonly #meta: SqlStatement;
  readonly #actor: SqlStatement;
  readonly #tags: SqlStatement;
  readonly #find: SqlStatement;
  readonly #past: SqlStatement;
  readonly #listed: SqlStatement;
  readonly #replyNumber: SqlStatement;
  readonly #reply: SqlStatement;
  readonly #indexReply: SqlStatement;
  readonly #dropMessage: SqlStatement;
  readonly #dropDead: SqlStatement;
  readonly #message: SqlStatement;
  readonly #dropSchedule: SqlStatement;
  readonly #schedule: SqlStatement;

  constructor(connection: SqliteConnection, tables: WrittenTables) {
    this.#connection = connection;
    this.#tables = tables;
    this.#type = connection.prepare(
      "INSERT OR REPLACE INTO types (system, type, spec) VALUES (?, ?, ?)",
    );
    this.#meta = connection.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)");
    // Tags come with the update that follows: only updates keep the index of tags.
    this.#actor = connection.prepare(
      `INSERT INTO actors
              (identity, system, type, key, epoch, revision, updated_ms, tags, state_type, state)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '{}', ?8, ?9)
       ON CONFLICT (identity) DO UPDATE SET system = ?2, type = ?3, key = ?4, owner = NULL,
              epoch = ?5, revision = ?6, updated_ms = ?7, tags = '{}', state_type = ?8, state = ?9
       RETURNING number`,
    );
    this.#tags = connection.prepare("UPDATE actors SET tags = ? WHERE number = ?");
    this.#find = connection.prepare("SELECT number FROM actors WHERE identity = ?");
    this.#past = connection.prepare(
      `INSERT INTO history (actor, revision, committed_ms, tags, action, state_type, state)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
       ON CONFLICT (actor, revision) DO UPDATE SET committed_ms = ?3, tags = ?4, action = ?5,
              state_type = ?6, state = ?7`,
    );
    this.#listed = connection.prepare("SELECT 1 FROM actors WHERE number = ? AND recent <> ''");
    this.#replyNumber = connection.prepare(
      "SELECT number FROM dedup_index WHERE actor = ? AND request_id = ?",
    );
    this.#reply = connection.prepare(
      `INSERT OR REPLACE INTO dedup
              (number, actor, request_id, digest, revision, committed_ms, reply)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#indexReply = connection.prepare(
      "INSERT INTO dedup_index (actor, request_id, number) VALUES (?, ?, ?)",
    );
    this.#dropMessage = connection.prepare(
      `DELETE FROM outbox WHERE actor = ? AND target_system = ? AND target_type = ?
          AND target_key = ? AND id = ? AND dead_reason IS NULL`,
    );
    this.#dropDead = connection.prepare(
      `DELETE FROM outbox WHERE dead_reason IS NOT NULL AND (actor, id) IN
         (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
    );
    this.#message = connection.prepare(
      `INSERT INTO outbox (actor, id, revision, position, target_system, target_type, target_key,
                           action, delay_ms, due_ms, ready_ms, attempts, dead_reason, body)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13)`,
    );
    this.#dropSchedule = connection.prepare("DELETE FROM schedules WHERE actor = ? AND name = ?");
    this.#schedule = connection.prepare(
      `INSERT INTO schedules (actor, name, due_ms, held_until_ms, repeat, action, body)
       VALUES (?, ?, ?, 0, ?, ?, ?)`,
    );
  }

  write(rows: readonly PortableRow[]): void {
    this.#connection.write(() => {
      const handles: Handles = new Map();
      this.#forgetDead(rows, handles);
      let reply = this.#tables.dedup.lastNumber() + 1;
      for (const row of rows) {
        if (row.kind === "dedup") reply += this.#putReply(row, handles, reply);
        else this.#put(row, handles);
      }
    });
    if (rows.some(({ kind }) => kind === "history")) this.#tables.history.filled();
  }

  #put(row: Exclude<PortableRow, RowOf<"dedup">>, handles: Handles): void {
    switch (row.kind) {
      case "type":
        this.#type.run(row.spec.system, row.spec.type, JSON.stringify(row.spec));
        return;
      case "meta":
        if (row.name === CLUSTER)
          throw refusal("the named value of the cluster is the store's own");
        this.#meta.run(row.name, row.value);
        return;
      case "actor":
        this.#putActor(row, handles);
        return;
      case "history":
        this.#putPast(row, handles);
        return;
      case "outbox":
        this.#putMessage(row, handles);
        return;
      case "schedule":
        this.#putSchedule(row, handles);
        return;
      case "seed":
        this.#tables.seeds.put(this.#handleOf(row.owner, handles), row.wrapped);
        return;
      case "damaged":
        throw refusal("a damaged row cannot be written");
    }
  }

  #putActor(row: RowOf<"actor">, handles: Handles): void {
    const { actor, epoch, revision, updatedMs, state, tags } = row;
    const { system, type, key } = actor;
    const identity = actorIdentity(actor);
    const data = [state?.type ?? null, state?.data ?? null] as const;
    const found = this.#actor.get(identity, system, type, key, epoch, revision, updatedMs, ...data);
    const handle = Number(found?.[0]);
    handles.set(actorPath(actor), handle);
    const text = encodeTags(tags);
    if (text !== "{}") this.#tags.run(text, handle);
  }

  #putPast({ owner, entry }: RowOf<"history">, handles: Handles): void {
    const { revision, committedMs, tags, action, state } = entry;
    const data = [state?.type ?? null, state?.data ?? null] as const;
    const handle = this.#handleOf(owner, handles);
    this.#past.run(handle, revision, committedMs, encodeTags(tags), action, ...data);
  }

  /** How many row numbers it took: none for a reply that was there. */
  #putReply(row: RowOf<"dedup">, handles: Handles, next: number): number {
    const { owner, record, committedMs } = row;
    const { requestId, digest, revision, reply } = record;
    const handle = this.#handleOf(owner, handles);
    // The list in the actor's row is looked into by nobody here, so it goes to the index first.
    if (this.#listed.get(handle) !== undefined) this.#tables.dedup.spill(handle);
    const known = this.#replyNumber.get(handle, requestId)?.[0];
    const number = known === undefined ? next : Number(known);
    this.#reply.run(number, handle, requestId, digest, revision, committedMs, reply);
    if (known !== undefined) return 0;
    this.#indexReply.run(handle, requestId, number);
    return 1;
  }

  /** Dead letters have no index by actor, so those that are to be replaced go all at once. */
  #forgetDead(rows: readonly PortableRow[], handles: Handles): void {
    const messages = rows.filter((row) => row.kind === "outbox");
    const ids = messages.flatMap(({ owner, message }): (readonly [number, string])[] => {
      const handle = owner === undefined ? undefined : this.#knownHandle(owner, handles);
      return handle === undefined ? [] : [[handle, message.id]];
    });
    if (ids.length > 0) this.#dropDead.run(JSON.stringify(ids));
  }

  #putMessage(row: RowOf<"outbox">, handles: Handles): void {
    const { owner, message, dueMs, attempts, deadReason } = row;
    const { id, revision, index, target, action, body, delayMs } = message;
    const to = [target.system, target.type, target.key] as const;
    const handle = this.#handleOf(owner, handles);
    this.#dropMessage.run(handle, ...to, id);
    const when = [delayMs, dueMs, attempts, deadReason ?? null] as const;
    this.#message.run(handle, id, revision, index, ...to, action, ...when, body);
  }

  #putSchedule(row: RowOf<"schedule">, handles: Handles): void {
    const { owner, name, dueMs, repeat, action, body } = row;
    const handle = this.#handleOf(owner, handles);
    this.#dropSchedule.run(handle, name);
    this.#schedule.run(handle, name, dueMs, repeat, action, body);
  }

  #handleOf(owner: ActorId | undefined, handles: Handles): number {
    const handle = owner === undefined ? undefined : this.#knownHandle(owner, handles);
    if (handle !== undefined) return handle;
    throw refusal(owner === undefined ? "a row has no owner" : `actor ${owner.key} has no row`);
  }

  #knownHandle(owner: ActorId, handles: Handles): number | undefined {
    const path = actorPath(owner);
    const known = handles.get(path) ?? this.#find.get(actorIdentity(owner))?.[0];
    if (known === undefined || known === null) return undefined;
    const handle = Number(known);
    handles.set(path, handle);
    return handle;
  }
}

function refusal(message: string): StoreFailure {
  return new StoreFailure("request.invalid", message, "not_applied", { reason: "ROW_REFUSED" });
}
