import type { Portability, PortableRow } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import type { SqlTuple } from "./commit-batch.ts";
import { places, prepared } from "./dialect.ts";
import {
  CLUSTER,
  orphaned,
  WRITTEN_TABLES,
  type WrittenRows,
  type WrittenTable,
  writtenRows,
} from "./portable-columns.ts";
import { portableRow } from "./portable-rows.ts";
import {
  PORTABLE_TABLES,
  readPosition,
  walkStatement,
  type WalkPosition,
  writePosition,
} from "./portable-walk.ts";
import { hexOf, numberOf } from "./row-values.ts";
import { BucketedStatement, pieces, type SqlAccess } from "./sql-access.ts";
import type { SqlRow, SqlRunner, SqlStatement, SqlValue } from "./sql-client.ts";

/** Most rows in one statement that writes. */
const WRITTEN_AT_ONCE = 32;
/** About how large a page may be, and how many rows are read of a table whose rows are not known. */
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_ROWS = 2;
/** The tables whose rows belong to an actor. */
const OWNED = ["seeds", "history", "dedup", "outbox", "schedules"] as const;

/** A page that grows. */
interface Page {
  readonly rows: PortableRow[];
  bytes: number;
  /** The largest row so far. */
  largest: number;
}

interface TableStatements {
  readonly table: WrittenTable;
  readonly write: BucketedStatement;
  readonly remove: BucketedStatement;
}

/** Moves a whole store. Sessions and owners stay behind. */
export class PortableTables implements Portability {
  readonly #access: SqlAccess;
  readonly #counts: readonly SqlStatement[];
  readonly #walks: readonly SqlStatement[];
  readonly #writes: readonly TableStatements[];
  readonly #untag: BucketedStatement;
  readonly #known: BucketedStatement;

  constructor(access: SqlAccess) {
    const { dialect } = access;
    this.#access = access;
    this.#counts = PORTABLE_TABLES.map(({ name }) =>
      prepared(`SELECT count(*) FROM ${dialect.table(name)}`),
    );
    this.#walks = PORTABLE_TABLES.map((table) => walkStatement(dialect, table));
    this.#writes = Object.values(WRITTEN_TABLES).map((table) => statementsOf(access, table));
    this.#untag = new BucketedStatement(
      (bucket) =>
        `DELETE FROM ${dialect.table("actor_tags")} WHERE actor IN (${places(1, bucket)})`,
    );
    this.#known = new BucketedStatement(
      (bucket) =>
        `SELECT actor FROM ${dialect.table("actors")} WHERE actor IN (${places(1, bucket)})`,
    );
  }

  async count(): Promise<number> {
    let sum = 0;
    for (const count of this.#counts) sum += numberOf((await this.#access.rows(count, []))[0]?.[0]);
    return sum;
  }

  async read(
    position: string,
    limit: number,
  ): Promise<{ readonly rows: readonly PortableRow[]; readonly next: string | undefined }> {
    const page: Page = { rows: [], bytes: 0, largest: 0 };
    let at: WalkPosition | undefined = position === "" ? begin(0) : readPosition(position);
    if (at === undefined) throw this.#access.attempts.raise(badPosition());
    while (at !== undefined && page.rows.length < limit && page.bytes < PAGE_BYTES) {
      at = await this.#walk(at, limit, page);
    }
    return { rows: page.rows, next: at === undefined ? undefined : writePosition(at) };
  }

  /** Adds the next rows of one table, no more than the page has room for; answers where to go on. */
  async #walk(
    { table: index, after }: WalkPosition,
    limit: number,
    page: Page,
  ): Promise<WalkPosition | undefined> {
    const table = PORTABLE_TABLES[index];
    const walk = this.#walks[index];
    if (table === undefined || walk === undefined) return undefined;
    const room =
      page.largest === 0 ? FIRST_ROWS : Math.ceil((PAGE_BYTES - page.bytes) / page.largest);
    const wanted = Math.min(limit - page.rows.length, room);
    const found = await this.#access.rows(walk, [...after, wanted]);
    let last = after;
    for (const row of found) {
      if (page.bytes >= PAGE_BYTES) return { table: index, after: last };
      const bytes = sizeOf(row);
      page.bytes += bytes;
      page.largest = Math.max(page.largest, bytes);
      const portable = portableRow(table, row);
      if (portable.kind !== "meta" || portable.name !== CLUSTER) page.rows.push(portable);
      last = row.slice(0, table.key.length);
    }
    return found.length < wanted ? begin(index + 1) : { table: index, after: last };
  }

  async write(rows: readonly PortableRow[]): Promise<void> {
    await this.#access.transaction("repeat", async (runner) => {
      const written = writtenRows(rows);
      await this.#checkOwners(runner, written);
      for (const statements of this.#writes) {
        const { name } = statements.table;
        const own = withoutRepeats(statements.table, written[name as keyof typeof WRITTEN_TABLES]);
        if (name === "actor_tags") await this.#untagAll(runner, written.actors);
        await writeAll(runner, statements, own);
      }
    });
  }

  /** Throws unless every row's actor is there or comes with it. */
  async #checkOwners(runner: SqlRunner, written: WrittenRows): Promise<void> {
    const arriving = new Set(written.actors.map(([actor]) => hexOf(actor)));
    const owners = OWNED.flatMap((name) => written[name].map(([actor = null]) => actor));
    const missing = new Map(owners.map((actor) => [hexOf(actor), actor]));
    for (const hex of arriving) missing.delete(hex);
    for (const piece of pieces([...missing.values()])) {
      const { statement, keys } = this.#known.for(piece);
      const { rows } = await runner.run(statement, keys);
      for (const [actor] of rows) missing.delete(hexOf(actor));
    }
    if (missing.size > 0) throw orphaned();
  }

  async #untagAll(runner: SqlRunner, actors: readonly SqlTuple[]): Promise<void> {
    for (const piece of pieces(actors.map(([actor = null]) => actor))) {
      const { statement, keys } = this.#untag.for(piece);
      await runner.run(statement, keys);
    }
  }
}

function sizeOf(row: SqlRow): number {
  let bytes = 0;
  for (const value of row) {
    bytes += value instanceof Uint8Array || typeof value === "string" ? value.length : 8;
  }
  return bytes;
}

function begin(table: number): WalkPosition | undefined {
  const found = PORTABLE_TABLES[table];
  return found === undefined ? undefined : { table, after: found.start };
}

function badPosition(): StoreFailure {
  const message = "that is no position of a walk over this store";
  return new StoreFailure("request.invalid", message, "not_applied", { reason: "POSITION" });
}

function statementsOf({ dialect }: SqlAccess, table: WrittenTable): TableStatements {
  const { columns, key, way } = table;
  const name = dialect.table(table.name);
  const rowsOf = (bucket: number): string =>
    Array.from(
      { length: bucket },
      (_, row) => `(${places(1 + row * columns.length, columns.length)})`,
    ).join(", ");
  const sameKey = (row: number): string =>
    `(${key.map((column, index) => `${column} = $${row * key.length + index + 1}`).join(" AND ")})`;
  return {
    table,
    write: new BucketedStatement((bucket) =>
      way === "replace"
        ? dialect.fragments.upsert(name, key, columns, bucket)
        : `INSERT INTO ${name} (${columns.join(", ")}) VALUES ${rowsOf(bucket)}`,
    ),
    remove: new BucketedStatement(
      (bucket) =>
        `DELETE FROM ${name}
          WHERE ${Array.from({ length: bucket }, (_, row) => sameKey(row)).join(" OR ")}`,
    ),
  };
}

/** The last of the rows that say they are the same one. */
function withoutRepeats({ key }: WrittenTable, rows: readonly SqlTuple[]): readonly SqlTuple[] {
  const nameOf = (row: SqlTuple): string =>
    row
      .slice(0, key.length)
      .map((value) => (value instanceof Uint8Array ? hexOf(value) : String(value)))
      .join("/");
  return [...new Map(rows.map((row) => [nameOf(row), row])).values()];
}

async function writeAll(
  runner: SqlRunner,
  { table, write, remove }: TableStatements,
  rows: readonly SqlTuple[],
): Promise<void> {
  if (table.way === "renumber") {
    for (const piece of pieces(rows, WRITTEN_AT_ONCE)) {
      const { statement, keys } = remove.for(piece.map((row) => row.slice(0, table.key.length)));
      await runner.run(statement, keys.flat());
    }
  }
  for (const piece of wholeBuckets(rows)) {
    const values: SqlValue[] = piece.flat();
    await runner.run(write.for(piece).statement, values);
  }
}

/** Pieces whose lengths are size buckets, since a row that is written twice is refused. */
function wholeBuckets(rows: readonly SqlTuple[]): readonly (readonly SqlTuple[])[] {
  const found: (readonly SqlTuple[])[] = [];
  let at = 0;
  let size = WRITTEN_AT_ONCE;
  while (at < rows.length) {
    while (size > rows.length - at) size /= 2;
    found.push(rows.slice(at, at + size));
    at += size;
  }
  return found;
}
