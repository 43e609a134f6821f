import type { SqlDialect } from "./dialect.ts";
import { prepared } from "./dialect.ts";
import { hexOf } from "./row-values.ts";
import type { SqlTableName } from "./schema.ts";
import type { SqlStatement, SqlValue } from "./sql-client.ts";

const NOTHING = new Uint8Array(0);

/** One table of a store that is moved, in the order of the walk. */
export interface PortableTable {
  readonly name: SqlTableName;
  /** The primary key, by which the table is walked. */
  readonly key: readonly string[];
  /** Below every key. */
  readonly start: readonly SqlValue[];
  /** What is read of a row, besides its key. */
  readonly columns: readonly string[];
  /** Its rows belong to an actor, whose names come behind the columns. */
  readonly hasOwner: boolean;
}

/** Every table that moves: types, named values, actors, then what belongs to them. */
export const PORTABLE_TABLES: readonly PortableTable[] = [
  {
    name: "types",
    key: ["actor_system", "actor_type"],
    start: ["", ""],
    columns: ["spec"],
    hasOwner: false,
  },
  { name: "meta", key: ["name"], start: [NOTHING], columns: ["value"], hasOwner: false },
  {
    name: "actors",
    key: ["actor"],
    start: [NOTHING],
    columns: [
      ...["actor_system", "actor_type", "actor_key", "epoch", "revision", "tags"],
      ...["state_type", "state", "updated_ms"],
    ],
    hasOwner: false,
  },
  { name: "seeds", key: ["actor"], start: [NOTHING], columns: ["wrapped"], hasOwner: true },
  {
    name: "history",
    key: ["actor", "revision"],
    start: [NOTHING, -1],
    columns: ["revision", "committed_ms", "tags", "action", "state_type", "state"],
    hasOwner: true,
  },
  {
    name: "dedup",
    key: ["actor", "request_id"],
    start: [NOTHING, NOTHING],
    columns: ["request_id", "digest", "revision", "reply", "committed_ms"],
    hasOwner: true,
  },
  {
    name: "outbox",
    key: ["number"],
    start: [0],
    columns: [
      ...["message_id", "revision", "place", "target_system", "target_type", "target_key"],
      ...["action", "delay_ms", "body", "due_ms", "attempts", "dead_reason"],
    ],
    hasOwner: true,
  },
  {
    name: "schedules",
    key: ["number"],
    start: [0],
    columns: ["name", "due_ms", "repetition", "action", "body"],
    hasOwner: true,
  },
];

/** Reads the rows of a table that come after a key: key, columns, names of the owner. */
export function walkStatement(
  dialect: SqlDialect,
  { name, key, columns, hasOwner }: PortableTable,
): SqlStatement {
  const { after, first } = dialect.fragments;
  const qualified = (column: string): string => `t.${column}`;
  const keys = key.map(qualified);
  const places = key.map((_, index) => `$${index + 1}`);
  const position = key.length === 1 ? `${keys[0]} > $1` : after(keys, places);
  const owner = hasOwner ? ["a.actor_system", "a.actor_type", "a.actor_key"] : [];
  const join = hasOwner ? `LEFT JOIN ${dialect.table("actors")} a ON a.actor = t.actor` : "";
  return prepared(
    `SELECT ${[...keys, ...columns.map(qualified), ...owner].join(", ")}
       FROM ${dialect.table(name)} t ${join}
      WHERE ${position} ${first(keys.join(", "), `$${key.length + 1}`)}`,
  );
}

/** Where a walk over a store stands. */
export interface WalkPosition {
  readonly table: number;
  readonly after: readonly SqlValue[];
}

/** A position as text: the number of the table and the key, as JSON with bytes in hexadecimal. */
export function writePosition({ table, after }: WalkPosition): string {
  const parts = after.map((value) => {
    if (value instanceof Uint8Array) return { hex: hexOf(value) };
    return typeof value === "string" ? value : Number(value);
  });
  return JSON.stringify([table, ...parts]);
}

/** A position from its text, or `undefined` if it is none. */
export function readPosition(text: string): WalkPosition | undefined {
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return undefined;
  const [table, ...parts] = parsed as unknown[];
  const known = typeof table === "number" ? PORTABLE_TABLES[table] : undefined;
  if (known === undefined || parts.length !== known.key.length) return undefined;
  const after = parts.map(valueOf);
  const isWhole = after.every(
    (value, index) => value !== undefined && typeof value === typeof known.start[index],
  );
  return isWhole ? { table: table as number, after: after as SqlValue[] } : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function valueOf(part: unknown): SqlValue | undefined {
  if (typeof part === "number" || typeof part === "string") return part;
  if (typeof part !== "object" || part === null || !("hex" in part)) return undefined;
  return typeof part.hex === "string" ? Uint8Array.from(Buffer.from(part.hex, "hex")) : undefined;
}
