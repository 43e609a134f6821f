import type { ActorTypeSpec, Portability, PortableRow } from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import type { SqlStatement } from "./driver.ts";
import { CLUSTER } from "./migrations.ts";
import { SECTIONS } from "./portability-sections.ts";
import { SectionWalk } from "./section-walk.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";
import { countOf, damaged, type TableStep } from "./walk-step.ts";

/** One table in the order of a walk. `after` is what the last row is found by, "" at the beginning. */
interface WalkedTable {
  readonly table: string;
  step(after: string, limit: number): TableStep;
  count(): number;
}

/**
 * Reads the whole store table by table, each in the order of its key. A position is the table and
 * the last key. Rows that cannot be read are told as damaged, and those behind them are read.
 */
export class PortabilityReader {
  readonly #connection: SqliteConnection;
  readonly #tables: readonly WalkedTable[];

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#tables = [
      new TypeWalk(connection),
      new MetaWalk(connection),
      ...SECTIONS.map((section) => new SectionWalk(connection, section)),
    ];
  }

  count(): number {
    return this.#connection.read(() => this.#tables.reduce((sum, table) => sum + table.count(), 0));
  }

  read(position: string, limit: number): Awaited<ReturnType<Portability["read"]>> {
    return this.#connection.read(() => {
      let { index, after } = this.#placeOf(position);
      for (; index < this.#tables.length; index += 1, after = "") {
        const table = this.#tables[index];
        const step = table?.step(after, limit);
        if (table === undefined || step === undefined) break;
        const following = this.#tables[index + 1]?.table;
        const end = following === undefined ? undefined : `${following} `;
        const next = step.after === undefined ? end : `${table.table} ${step.after}`;
        if (step.rows.length > 0 || next === undefined) return { rows: step.rows, next };
        if (step.after !== undefined) return { rows: [], next };
      }
      return { rows: [], next: undefined };
    });
  }

  #placeOf(position: string): { readonly index: number; readonly after: string } {
    if (position === "") return { index: 0, after: "" };
    const at = position.indexOf(" ");
    const index = this.#tables.findIndex(({ table }) => table === position.slice(0, at));
    if (index >= 0) return { index, after: position.slice(at + 1) };
    const message = "a position of a walk is not one of this store";
    throw new StoreFailure("request.invalid", message, "not_started", { reason: "POSITION" });
  }
}

/** Registered actor types by (system, type). */
class TypeWalk implements WalkedTable {
  readonly table = "types";
  readonly #connection: SqliteConnection;
  readonly #page: SqlStatement;
  readonly #count: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#page = connection.prepare(
      `SELECT system, type, spec FROM types WHERE (system, type) > (?, ?)
        ORDER BY system, type LIMIT ?`,
    );
    this.#count = connection.prepare("SELECT count(*) FROM types");
  }

  step(after: string, limit: number): TableStep {
    const [system = "", type = ""] = after.split("/");
    return keyedStep(this.#connection, this.table, after, () => {
      const found = this.#page.all(system, type, limit);
      const rows = found.map(([ownSystem, ownType, spec]) =>
        typeOf(String(ownSystem), String(ownType), spec),
      );
      const last = found.length === limit ? found.at(-1) : undefined;
      return { rows, after: last && `${String(last[0])}/${String(last[1])}` };
    });
  }

  count(): number {
    return countOf(this.#connection, this.#count);
  }
}

/** Named values by name. */
class MetaWalk implements WalkedTable {
  readonly table = "meta";
  readonly #connection: SqliteConnection;
  readonly #page: SqlStatement;
  readonly #count: SqlStatement;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#page = connection.prepare(
      `SELECT name, value FROM meta WHERE name > ? AND name <> '${CLUSTER}'
        ORDER BY name LIMIT ?`,
    );
    this.#count = connection.prepare("SELECT count(*) FROM meta");
  }

  step(after: string, limit: number): TableStep {
    return keyedStep(this.#connection, this.table, after, () => {
      const found = this.#page.all(after, limit);
      const rows = found.map(([name, value]): PortableRow => {
        if (value instanceof Uint8Array) return { kind: "meta", name: String(name), value };
        return damaged(this.table, String(name), "ROW_CORRUPT");
      });
      const last = found.length === limit ? found.at(-1) : undefined;
      return { rows, after: last && String(last[0]) };
    });
  }

  count(): number {
    return countOf(this.#connection, this.#count);
  }
}

/** Runs one step of a table without row numbers; what a broken page hides there is one damaged row. */
function keyedStep(
  connection: SqliteConnection,
  table: string,
  after: string,
  step: () => TableStep,
): TableStep {
  try {
    return step();
  } catch (error) {
    if (!connection.isDamage(error)) throw error;
    const place = after === "" ? "all rows" : `all rows after ${after}`;
    return { rows: [damaged(table, place, "PAGE_CORRUPT")], after: undefined };
  }
}

function typeOf(system: string, type: string, text: unknown): PortableRow {
  const place = `${system}/${type}`;
  try {
    const spec = JSON.parse(String(text)) as ActorTypeSpec | null;
    if (spec?.system === system && spec.type === type) return { kind: "type", spec };
    return damaged("types", place, "ROW_MISMATCH");
  } catch {
    return damaged("types", place, "SPEC_UNREADABLE");
  }
}
