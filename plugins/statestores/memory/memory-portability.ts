import type {
  ActorId,
  Portability,
  PortableRow,
  StatestoreHost,
} from "../../../src/contract/index.ts";
import { actorPath } from "../kit/identity.ts";
import type { ActorRow, KeptMessage, KeptSchedule, MemoryRows } from "./memory-rows.ts";

const PAGE_BYTES = 4 * 1024 * 1024;
/** Stores that outlive their process keep their cluster's id under this name. */
const CLUSTER = "cluster";

/** A row and what it is found by: its table and its number or name, in order of both. */
interface Placed {
  readonly table: string;
  readonly number: number;
  readonly name: string;
  readonly row: PortableRow;
}

const TABLES: readonly string[] = ["types", "meta", "actors", "rows"];

/** The whole store as rows: types, named values, actors, then what belongs to each actor. */
export class MemoryPortability implements Portability {
  readonly #rows: MemoryRows;
  readonly #host: StatestoreHost;

  constructor(rows: MemoryRows, host: StatestoreHost) {
    this.#rows = rows;
    this.#host = host;
  }

  async count(): Promise<number> {
    const { types, meta, actors, outbox, schedules } = this.#rows;
    let count = types.size + meta.size + actors.size + outbox.size + schedules.size;
    for (const { seed, dedup, history } of actors.values()) {
      count += (seed === undefined ? 0 : 1) + dedup.size + history.length;
    }
    return count;
  }

  async read(position: string, limit: number): ReturnType<Portability["read"]> {
    const rows: PortableRow[] = [];
    let bytes = 0;
    let last = position;
    for (const placed of this.#after(position)) {
      const size = sizeOf(placed.row);
      if (rows.length >= limit || (rows.length > 0 && bytes + size > PAGE_BYTES)) {
        return { rows, next: last };
      }
      bytes += size;
      rows.push(placed.row);
      last = `${placed.table} ${placed.number} ${placed.name}`;
    }
    return { rows, next: undefined };
  }

  async write(rows: readonly PortableRow[]): Promise<void> {
    const arriving = new Set<string>();
    for (const row of rows) {
      this.#check(row, arriving);
      if (row.kind === "actor") arriving.add(actorPath(row.actor));
    }
    for (const row of rows) this.#put(structuredClone(row));
  }

  *#after(position: string): Generator<Placed> {
    const [table = "", number = "", ...rest] = position.split(" ");
    const name = rest.join(" ");
    if (position !== "" && !TABLES.includes(table)) throw this.#refusal("a position is unknown");
    for (const placed of this.#all()) {
      const order =
        TABLES.indexOf(placed.table) - TABLES.indexOf(table) ||
        placed.number - Number(number) ||
        (placed.name === name ? 0 : placed.name < name ? -1 : 1);
      if (position === "" || order > 0) yield placed;
    }
  }

  *#all(): Generator<Placed> {
    const { types, meta, actors } = this.#rows;
    for (const [name, spec] of sorted(types)) {
      yield { table: "types", number: 0, name, row: { kind: "type", spec } };
    }
    for (const [name, value] of sorted(meta)) {
      yield { table: "meta", number: 0, name, row: { kind: "meta", name, value } };
    }
    for (const row of actors.values()) {
      const { actor, handle: number, epoch, revision, state, tags, updatedMs } = row;
      const moved = { kind: "actor", actor, epoch, revision, state, tags, updatedMs } as const;
      yield { table: "actors", number, name: "", row: moved };
    }
    const places = this.#belongings();
    places.sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1));
    yield* places;
  }

  /** What belongs to actors; the name has the kind first, so that past states come in order. */
  #belongings(): Placed[] {
    const { actors, outbox, schedules } = this.#rows;
    const found: Placed[] = [];
    const handleOf = (actor: ActorId): number => actors.get(actorPath(actor))?.handle ?? 0;
    const add = (number: number, name: string, row: PortableRow): void => {
      found.push({ table: "rows", number, name, row });
    };
    for (const { actor: owner, handle, seed, dedup, history } of actors.values()) {
      // Before the others, which are opened with it.
      if (seed !== undefined) add(handle, "A", { kind: "seed", owner, wrapped: seed });
      for (const entry of history) {
        add(handle, `a ${ordered(entry.revision)}`, { kind: "history", owner, entry });
      }
      for (const { committedMs, ...record } of dedup.values()) {
        const name = `b ${ordered(committedMs)} ${record.requestId}`;
        add(handle, name, { kind: "dedup", owner, record, committedMs });
      }
    }
    for (const kept of outbox.values()) {
      add(handleOf(kept.source), `c ${ordered(kept.rowId)}`, messageRow(kept));
    }
    for (const kept of schedules.values()) {
      add(handleOf(kept.actor), `d ${ordered(kept.rowId)}`, scheduleRow(kept));
    }
    return found;
  }

  #check(row: PortableRow, arriving: ReadonlySet<string>): void {
    if (row.kind === "damaged") throw this.#refusal("a damaged row cannot be written");
    if (row.kind === "meta" && row.name === CLUSTER) {
      throw this.#refusal("the named value of the cluster is the store's own");
    }
    if (!("owner" in row)) return;
    if (row.owner === undefined) throw this.#refusal("a row has no owner");
    const path = actorPath(row.owner);
    if (arriving.has(path) || this.#rows.actors.has(path)) return;
    throw this.#refusal(`actor ${row.owner.key} has no row`);
  }

  #put(row: PortableRow): void {
    switch (row.kind) {
      case "type":
        this.#rows.types.set(`${row.spec.system}/${row.spec.type}`, row.spec);
        return;
      case "meta":
        this.#rows.meta.set(row.name, row.value);
        return;
      case "actor":
        this.#putActor(row);
        return;
      case "history":
        this.#putPast(row);
        return;
      case "dedup":
        this.#ownerOf(row.owner)?.dedup.set(row.record.requestId, {
          ...row.record,
          committedMs: row.committedMs,
        });
        return;
      case "outbox":
        this.#putMessage(row);
        return;
      case "schedule":
        this.#putSchedule(row);
        return;
      case "seed":
        this.#putSeed(row);
        return;
      case "damaged":
    }
  }

  #putActor(row: Extract<PortableRow, { readonly kind: "actor" }>): void {
    const { epoch, revision, state, tags, updatedMs } = row;
    const moved = { owner: 0, epoch, revision, state, tags, updatedMs };
    const path = actorPath(row.actor);
    const found = this.#rows.actors.get(path);
    if (found !== undefined) {
      Object.assign(found, moved);
      return;
    }
    const { system, type, key } = row.actor;
    const made: ActorRow = {
      actor: { system, type, key },
      handle: this.#rows.nextNumber(),
      ...moved,
      seed: undefined,
      dedup: new Map(),
      schedules: new Map(),
      history: [],
    };
    this.#rows.actors.set(path, made);
    this.#rows.byHandle.set(made.handle, made);
  }

  #putSeed({ owner, wrapped }: Extract<PortableRow, { readonly kind: "seed" }>): void {
    const row = this.#ownerOf(owner);
    if (row !== undefined) row.seed = wrapped;
  }

  #putPast({ owner, entry }: Extract<PortableRow, { readonly kind: "history" }>): void {
    const row = this.#ownerOf(owner);
    if (row === undefined) return;
    const others = row.history.filter(({ revision }) => revision !== entry.revision);
    row.history = [...others, entry].sort((a, b) => a.revision - b.revision);
  }

  #putMessage(row: Extract<PortableRow, { readonly kind: "outbox" }>): void {
    const owner = this.#ownerOf(row.owner);
    if (owner === undefined) return;
    const { message, dueMs, attempts, deadReason } = row;
    const { system, type, key } = message.target;
    for (const kept of this.#rows.outbox.values()) {
      const same = kept.id === message.id && actorPath(kept.source) === actorPath(owner.actor);
      if (same) this.#rows.outbox.delete(kept.rowId);
    }
    const rowId = this.#rows.nextNumber();
    this.#rows.outbox.set(rowId, {
      ...message,
      rowId,
      source: owner.actor,
      pair: `${owner.handle}/${system}/${type}/${key}`,
      attempts: 0,
      tries: attempts,
      dueMs,
      readyMs: dueMs,
      deadReason,
    });
  }

  #putSchedule(row: Extract<PortableRow, { readonly kind: "schedule" }>): void {
    const owner = this.#ownerOf(row.owner);
    if (owner === undefined) return;
    const { name, dueMs, repeat, action, body } = row;
    this.#rows.schedules.delete(owner.schedules.get(name) ?? 0);
    const rowId = this.#rows.nextNumber();
    const { actor } = owner;
    owner.schedules.set(name, rowId);
    const kept = { rowId, actor, name, dueMs, repeat, action, body, heldUntilMs: 0 };
    this.#rows.schedules.set(rowId, kept);
  }

  #ownerOf(owner: ActorId | undefined): ActorRow | undefined {
    return owner === undefined ? undefined : this.#rows.actors.get(actorPath(owner));
  }

  #refusal(message: string): Error {
    return this.#host.error("request.invalid", message, "not_applied", { reason: "ROW_REFUSED" });
  }
}

function messageRow(kept: KeptMessage): PortableRow {
  const { id, revision, index, target, action, body, delayMs, dueMs, tries, deadReason } = kept;
  const message = { id, revision, index, target, action, body, delayMs };
  return { kind: "outbox", owner: kept.source, message, dueMs, attempts: tries, deadReason };
}

function scheduleRow({ actor, name, dueMs, repeat, action, body }: KeptSchedule): PortableRow {
  return { kind: "schedule", owner: actor, name, dueMs, repeat, action, body };
}

/** A number as text whose order is that of the numbers. */
function ordered(number: number): string {
  return String(number).padStart(16, "0");
}

function sorted<Value>(map: ReadonlyMap<string, Value>): (readonly [string, Value])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function sizeOf(row: PortableRow): number {
  switch (row.kind) {
    case "actor":
      return row.state?.data.length ?? 0;
    case "history":
      return row.entry.state?.data.length ?? 0;
    case "dedup":
      return row.record.reply.length;
    case "outbox":
      return row.message.body.length;
    case "schedule":
      return row.body.length;
    case "meta":
      return row.value.length;
    default:
      return 0;
  }
}
