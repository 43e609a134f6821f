import type {
  ActorId,
  ActorTypeSpec,
  DedupRecord,
  HistoryRow,
  OutboxRow,
  ScheduleRow,
  StoredState,
  StringMap,
} from "../../../src/contract/index.ts";

/** A recorded reply with the time of its commit. */
export interface KeptDedup extends DedupRecord {
  readonly committedMs: number;
}

/** A schedule, and until when somebody fires it. */
export interface KeptSchedule extends Omit<ScheduleRow, "dueMs"> {
  dueMs: number;
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
  seed: Uint8Array | undefined;
  /** In order of their commits. */
  readonly dedup: Map<string, KeptDedup>;
  /** Row numbers by name. */
  readonly schedules: Map<string, number>;
  /** In order of revisions. */
  history: HistoryRow[];
}

/** The tables of one memory store, with the counter that numbers every row. */
export class MemoryRows {
  readonly actors = new Map<string, ActorRow>();
  readonly byHandle = new Map<number, ActorRow>();
  readonly outbox = new Map<number, KeptMessage>();
  readonly schedules = new Map<number, KeptSchedule>();
  /** By `<system>/<type>`. */
  readonly types = new Map<string, ActorTypeSpec>();
  readonly meta = new Map<string, Uint8Array>();
  #lastNumber = 0;

  /** A row number that no row of any table has had. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }
}
