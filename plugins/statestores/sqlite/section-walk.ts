import type { ActorId, PortableRow } from "../../../src/contract/index.ts";
import type { SqlRow, SqlStatement } from "./driver.ts";
import { nameOf, type Section } from "./portability-sections.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";
import { countOf, damaged, type TableStep } from "./walk-step.ts";

/** How many bytes one step reads, give or take a row. */
const STEP_BYTES = 4 * 1024 * 1024;
/** Behind a broken page each number is tried, then numbers ever farther apart. */
const TRIES_PER_STEP = 4_096;
const LAST_NUMBER = Number.MAX_SAFE_INTEGER;

/** The rows that a step will read: all with numbers in (from, to]. */
interface Range {
  readonly to: number;
  /** Numbers that cannot be looked at, which end the range. */
  readonly hole: { readonly from: number; readonly next: number | undefined } | undefined;
  /** Nothing follows. */
  readonly ended: boolean;
}

/** Reads a table by its row numbers, in steps bounded by rows and bytes. */
export class SectionWalk {
  readonly table: string;
  readonly #connection: SqliteConnection;
  readonly #section: Section;
  readonly #sizes: SqlStatement;
  readonly #rows: SqlStatement;
  readonly #row: SqlStatement;
  readonly #probe: SqlStatement;
  readonly #count: SqlStatement;

  constructor(connection: SqliteConnection, section: Section) {
    const { table, number, columns, bytes, ownerAt } = section;
    this.table = table;
    this.#connection = connection;
    this.#section = section;
    const join = ownerAt === undefined ? "" : " LEFT JOIN actors a ON a.number = t.actor";
    // Asked for from a number on: one behind the last would be sought on the page of the last.
    this.#sizes = connection.prepare(
      `SELECT ${number}, length(${bytes}) FROM ${table} WHERE ${number} >= ?
        ORDER BY ${number} LIMIT ?`,
    );
    const rows = `SELECT t.${number}, ${columns} FROM ${table} t${join}`;
    this.#rows = connection.prepare(
      `${rows} WHERE t.${number} >= ? AND t.${number} <= ? ORDER BY t.${number}`,
    );
    // By equality: a range would look at the row behind it, too.
    this.#row = connection.prepare(`${rows} WHERE t.${number} = ?`);
    this.#probe = connection.prepare(
      `SELECT ${number} FROM ${table} WHERE ${number} >= ? ORDER BY ${number} LIMIT 1`,
    );
    this.#count = connection.prepare(`SELECT count(*) FROM ${table}`);
  }

  count(): number {
    return countOf(this.#connection, this.#count);
  }

  step(position: string, limit: number): TableStep {
    const after = Number(position);
    const { to, hole, ended } = this.#range(after, limit);
    const rows = to > after ? [...this.#between(after, to)] : [];
    if (hole === undefined) return { rows, after: ended ? undefined : String(to) };
    const { from, next } = hole;
    const end = next === undefined ? "the end" : String(next - 1);
    rows.push(damaged(this.table, `rows ${from} to ${end}`, "PAGE_CORRUPT"));
    return { rows, after: next === undefined ? undefined : String(next - 1) };
  }

  #range(after: number, limit: number): Range {
    try {
      return bounded(this.#sizes.all(after + 1, limit), after, limit);
    } catch (error) {
      if (!this.#connection.isDamage(error)) throw error;
    }
    return this.#carefulRange(after, limit);
  }

  /** As above, row by row up to the first that cannot be looked at. */
  #carefulRange(after: number, limit: number): Range {
    const sizes: SqlRow[] = [];
    for (let last = after; sizes.length < limit; ) {
      const row = this.#tried(() => this.#sizes.get(last + 1, 1) ?? "none");
      if (row === undefined) {
        const range = bounded(sizes, after, Infinity);
        if (range.to < last) return { ...range, ended: false };
        const from = last + 1;
        return { to: last, hole: { from, next: this.#readableFrom(from) }, ended: false };
      }
      if (row === "none") break;
      sizes.push(row);
      last = Number(row[0]);
    }
    return bounded(sizes, after, limit);
  }

  /** The first number at or behind `from` from which on rows can be looked at. */
  #readableFrom(from: number): number | undefined {
    let step = 1;
    for (let number = from, tries = 1; number < LAST_NUMBER; number += step, tries += 1) {
      const row = this.#tried(() => this.#probe.get(number) ?? "none");
      if (row === "none") return undefined;
      if (row !== undefined) return number;
      step = 1 + Math.floor((number - from) / TRIES_PER_STEP);
    }
    return undefined;
  }

  *#between(after: number, to: number): Generator<PortableRow> {
    const all = this.#tried(() => this.#rows.all(after + 1, to));
    if (all !== undefined) {
      for (const row of all) yield this.#view(row);
      return;
    }
    for (let last = after; last < to; ) {
      const [number] = this.#sizes.get(last + 1, 1) ?? [];
      last = Number(number ?? to);
      const one = this.#tried(() => this.#row.all(last));
      if (one === undefined) yield damaged(this.table, `row ${last}`, "ROW_CORRUPT");
      else for (const row of one) yield this.#view(row);
    }
  }

  #view([number, ...columns]: SqlRow): PortableRow {
    const { ownerAt, view } = this.#section;
    const owner: ActorId | string | undefined =
      ownerAt === undefined ? undefined : nameOf(columns, ownerAt);
    const seen = typeof owner === "string" ? owner : view(columns, owner);
    return typeof seen === "string" ? damaged(this.table, `row ${Number(number)}`, seen) : seen;
  }

  /** What `read` gives; `undefined` if a broken page is in its way. */
  #tried<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (this.#connection.isDamage(error)) return undefined;
      throw error;
    }
  }
}

/** The rows, as many as fit into a step and at least one. */
function bounded(sizes: readonly SqlRow[], after: number, limit: number): Range {
  let bytes = 0;
  let to = after;
  for (const [index, [number, size]] of sizes.entries()) {
    bytes += Number(size ?? 0);
    if (index > 0 && bytes > STEP_BYTES) return { to, hole: undefined, ended: false };
    to = Number(number);
  }
  return { to, hole: undefined, ended: sizes.length < limit };
}
