import type {
  ActorId,
  DedupRecord,
  HistoryRow,
  OutboxRow,
  ScheduleRow,
  SealedRow,
  StoredState,
  StringMap,
} from "../../../src/contract/index.ts";

/** A recorded reply with the time of its commit. */
export interface KeptDedup extends DedupRecord {
  readonly rowId: number;
  readonly committedMs: number;
}

/** A schedule, and until when somebody fires it. */
export interface KeptSchedule extends ScheduleRow {
  heldUntilMs: number;
}

/** A message, and when it may be taken (again). */
export interface KeptMessage extends OutboxRow {
  readonly pair: string;
  readonly dueMs: number;
  readyMs: number;
  tries: number;
  deadReason: string | undefined;
}

/** All that is kept of one actor. Deleting its state leaves the row, with epoch and revision. */
export interface ActorRow {
  readonly actor: ActorId;
  readonly handle: number;
  owner: number;
  epoch: number;
  revision: number;
  state: StoredState | undefined;
  tags: StringMap;
  updatedMs: number;
  /** In order of their commits. */
  readonly dedup: Map<string, KeptDedup>;
  readonly schedules: Map<string, KeptSchedule>;
  /** In order of revisions. */
  history: (HistoryRow & { readonly rowId: number })[];
}

/** The tables of one memory store, with the counter that numbers every row. */
export class MemoryRows {
  readonly actors = new Map<string, ActorRow>();
  readonly byHandle = new Map<number, ActorRow>();
  readonly outbox = new Map<number, KeptMessage>();
  #lastNumber = 0;

  /** A row number that no row of any table has had. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** Every sealed value with a function that replaces it. */
  *sealed(): Generator<readonly [SealedRow, (bytes: Uint8Array) => void]> {
    for (const row of this.actors.values()) {
      const { actor } = row;
      const state = row.state;
      if (state !== undefined) {
        yield [
          {
            purpose: "state",
            rowId: row.handle,
            actor,
            revision: row.revision,
            label: state.type,
            before: state.data,
          },
          (data) => {
            row.state = { data, type: state.type };
          },
        ];
      }
      yield* sealedHistory(row);
      for (const [label, kept] of row.dedup) {
        const { rowId, revision, reply: before } = kept;
        yield [
          { purpose: "dedup", rowId, actor, revision, label, before },
          (reply) => row.dedup.set(label, { ...kept, reply }),
        ];
      }
      for (const [label, kept] of row.schedules) {
        const { rowId, body: before } = kept;
        yield [
          { purpose: "schedule", rowId, actor, revision: 0, label, before },
          (body) => row.schedules.set(label, { ...kept, body }),
        ];
      }
    }
    for (const kept of this.outbox.values()) {
      const { rowId, source: actor, revision, id: label, body: before } = kept;
      yield [
        { purpose: "outbox", rowId, actor, revision, label, before },
        (body) => this.outbox.set(rowId, { ...kept, body }),
      ];
    }
  }
}

function* sealedHistory(
  row: ActorRow,
): Generator<readonly [SealedRow, (bytes: Uint8Array) => void]> {
  for (const [index, entry] of row.history.entries()) {
    const { state, revision, rowId } = entry;
    if (state === undefined) continue;
    const { data: before, type: label } = state;
    yield [
      { purpose: "history", rowId, actor: row.actor, revision, label, before },
      (data) => {
        row.history[index] = { ...entry, state: { data, type: label } };
      },
    ];
  }
}
