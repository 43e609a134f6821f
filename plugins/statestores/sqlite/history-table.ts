import type { ActorId, History, HistoryPolicy, HistoryRow } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { actorIdentity } from "../kit/identity.ts";
import { decodeTags } from "../kit/row-codec.ts";
import type { FramedHistory } from "./commit-frame.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

const COLUMNS = "h.revision, h.committed_ms, h.tags, h.action, h.state_type, h.state";
const MAX_INTEGER = Number.MAX_SAFE_INTEGER;
/** Actors that one call of `prune` looks at, so that commits get their turn between calls. */
const PRUNED_ACTORS = 20_000;

/** Past states. */
export class HistoryTable {
  readonly #connection: SqliteConnection;
  readonly #shared: boolean;
  readonly #insert: SqlStatement;
  readonly #keepLast: SqlStatement;
  readonly #keepSince: SqlStatement;
  readonly #byRevision: SqlStatement;
  readonly #list: SqlStatement;
  readonly #pruneLast: SqlStatement;
  readonly #pruneSince: SqlStatement;
  readonly #lastLooked: SqlStatement;
  /** The key behind which the next call of `prune` goes on, by type. */
  readonly #prunedUpTo = new Map<string, string>();
  /** False while the table is known to be empty, which spares most commits a deletion. */
  #used: boolean;

  constructor(connection: SqliteConnection, shared: boolean) {
    this.#connection = connection;
    this.#shared = shared;
    this.#insert = connection.prepare(
      `INSERT OR REPLACE INTO history
              (actor, revision, committed_ms, tags, action, state_type, state)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#keepLast = connection.prepare(
      `DELETE FROM history WHERE actor = ?1 AND revision <=
         (SELECT revision FROM history WHERE actor = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ?2)`,
    );
    this.#keepSince = connection.prepare(
      "DELETE FROM history WHERE actor = ? AND committed_ms < ?",
    );
    this.#byRevision = connection.prepare(
      `SELECT ${COLUMNS} FROM history h JOIN actors a ON a.number = h.actor
        WHERE a.identity = ? AND h.revision = ?`,
    );
    this.#list = connection.prepare(
      `SELECT ${COLUMNS} FROM history h JOIN actors a ON a.number = h.actor
        WHERE a.identity = ? AND h.revision BETWEEN ? AND ? AND h.committed_ms BETWEEN ? AND ?
        ORDER BY h.revision DESC LIMIT ?`,
    );
    this.#lastLooked = connection.prepare(
      `SELECT key FROM actors WHERE system = ? AND type = ? AND key > ?
        ORDER BY key LIMIT 1 OFFSET ${PRUNED_ACTORS - 1}`,
    );
    const surplus = `DELETE FROM history WHERE number IN
       (SELECT h.number FROM actors a JOIN history h ON h.actor = a.number
         WHERE a.system = ? AND a.type = ? AND a.key > ? AND (? IS NULL OR a.key <= ?)`;
    this.#pruneLast = connection.prepare(
      `${surplus} AND h.revision <= (SELECT revision FROM history WHERE actor = a.number
                                      ORDER BY revision DESC LIMIT 1 OFFSET ?) LIMIT ?)`,
    );
    this.#pruneSince = connection.prepare(`${surplus} AND h.committed_ms < ? LIMIT ?)`);
    const any = connection.prepare("SELECT 1 FROM history LIMIT 1");
    this.#used = connection.read(() => any.get()) !== undefined;
  }

  /** Inside a transaction: adds past states, then drops what the policy no longer keeps. */
  append(
    actor: number,
    entries: readonly FramedHistory[],
    policy: HistoryPolicy,
    nowMs: number,
  ): void {
    for (const { revision, action, tags, state } of entries) {
      const type = state?.type ?? null;
      this.#insert.run(actor, revision, nowMs, tags, action, type, state?.data ?? null);
      this.#used = true;
    }
    if (!this.#used && !this.#shared) return;
    switch (policy.kind) {
      case "all":
        return;
      case "none":
        this.#keepLast.run(actor, 0);
        return;
      case "last":
        this.#keepLast.run(actor, policy.count);
        return;
      case "duration":
        this.#keepSince.run(actor, nowMs - policy.ms);
        return;
    }
  }

  /** Past states were put into the table by another way than `append`. */
  filled(): void {
    this.#used = true;
  }

  prune({ system, type, policy, limit }: Parameters<History["prune"]>[0]): number {
    if (policy.kind === "all") return 0;
    if (!this.#used && !this.#shared) return 0;
    const path = `${system}/${type}`;
    return this.#connection.write((nowMs) => {
      const after = this.#prunedUpTo.get(path) ?? "";
      const last = this.#lastLooked.get(system, type, after)?.[0] ?? null;
      const range = [system, type, after, last, last] as const;
      const pruned =
        policy.kind === "duration"
          ? this.#pruneSince.run(...range, nowMs - policy.ms, limit)
          : this.#pruneLast.run(...range, policy.kind === "last" ? policy.count : 0, limit);
      // What is left of these actors is for the next call, which begins with them again.
      if (pruned < limit) {
        if (last === null) this.#prunedUpTo.delete(path);
        else this.#prunedUpTo.set(path, String(last));
      }
      return pruned;
    });
  }

  byRevision(actor: ActorId, revision: number): HistoryRow | undefined {
    return this.#connection.read(() => {
      const row = this.#byRevision.get(actorIdentity(actor), revision);
      return row === undefined ? undefined : view(row, actor);
    });
  }

  list(actor: ActorId, range: Parameters<History["list"]>[1]): readonly HistoryRow[] {
    const { fromRevision = 0, toRevision = MAX_INTEGER, fromMs = -MAX_INTEGER } = range;
    const { toMs = MAX_INTEGER, limit } = range;
    return this.#connection.read(() => {
      const identity = actorIdentity(actor);
      const rows = this.#list.all(identity, fromRevision, toRevision, fromMs, toMs, limit);
      return rows.map((row) => view(row, actor));
    });
  }
}

function view(row: SqlRow, actor: ActorId): HistoryRow {
  const [revision, committedMs, tagsText, action, type, data] = row;
  const tags = decodeTags(tagsText);
  const sound =
    data === null ? type === null : data instanceof Uint8Array && typeof type === "string";
  if (tags === undefined || !sound) {
    const message = `revision ${Number(revision)} of actor ${actor.key} cannot be read`;
    throw new StoreFailure("state.corrupt", message, "not_applied", { reason: "ROW_CORRUPT" });
  }
  const state = data instanceof Uint8Array ? { data, type: String(type) } : undefined;
  return {
    revision: Number(revision),
    committedMs: Number(committedMs),
    tags,
    action: String(action),
    state,
  };
}
