import type {
  ErrorCode,
  ErrorDetails,
  SchemaStatus,
  SchemaStep,
} from "../../../src/contract/index.ts";
import { StoreFailure } from "../kit/failure.ts";
import { migrationChecksum, planMigrations } from "../kit/migration-plan.ts";
import type { SqlDatabase, SqlDriver } from "./driver.ts";
import { CLUSTER, MIGRATIONS, NOW, SCHEMA_TABLE } from "./migrations.ts";

const EXIT_DATA = 65;
const EXIT_CONFIGURATION = 78;

function refusal(
  code: ErrorCode,
  message: string,
  reason: string,
  exitCode: number,
  hint?: string,
): StoreFailure {
  const details: ErrorDetails = { reason, exitCode, ...(hint === undefined ? {} : { hint }) };
  return new StoreFailure(code, message, "not_applied", details);
}

/** Where a database stands that has no table yet. */
export const EMPTY_SCHEMA: SchemaStatus = {
  have: 0,
  want: MIGRATIONS.length,
  pending: MIGRATIONS,
};

/** Reads what schema is there; throws unless this binary can serve it. Writes nothing. */
export function inspectSchema(db: SqlDatabase, path: string): SchemaStatus {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const names = new Set(tables.map((row) => row[0]));
  if (names.size === 0) return EMPTY_SCHEMA;
  if (!names.has("troupe_schema")) {
    const message = `${path} holds tables of something else (schema_unknown)`;
    throw refusal("state.corrupt", message, "schema_unknown", EXIT_DATA);
  }
  const applied = db.prepare("SELECT version, checksum FROM troupe_schema").all();
  const plan = planMigrations(
    MIGRATIONS,
    applied.map((row) => ({ version: Number(row[0]), checksum: String(row[1]) })),
  );
  if (plan.kind === "newer") {
    const message = `schema_newer have=${plan.have} found=${plan.found}`;
    const hint = "start a binary that is at least as new as the one that wrote the store";
    throw refusal("plugin.unsupported", message, "schema_newer", EXIT_CONFIGURATION, hint);
  }
  if (plan.kind === "changed") {
    const message = `step ${plan.version} of the schema differs from ours (schema_mismatch)`;
    throw refusal("state.corrupt", message, "schema_mismatch", EXIT_DATA);
  }
  const { pending } = plan;
  return { have: MIGRATIONS.length - pending.length, want: MIGRATIONS.length, pending };
}

/** Throws if steps are pending, for a store that is not to be changed by a start. */
export function refusePending({ have, want, pending }: SchemaStatus, path: string): void {
  if (pending.length === 0) return;
  const message = `the schema of ${path} is old: schema_old have=${have} want=${want}`;
  const hint = "take the pending steps with: troupe migrate";
  throw refusal("plugin.unsupported", message, "schema_old", EXIT_CONFIGURATION, hint);
}

/**
 * Takes the steps that are missing, all in one transaction, and records the cluster; answers the
 * steps it took.
 */
export function migrate(db: SqlDatabase, cluster: string): readonly SchemaStep[] {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(SCHEMA_TABLE);
    const applied = db.prepare("SELECT version FROM troupe_schema").all();
    const done = new Set(applied.map((row) => Number(row[0])));
    const record = db.prepare(
      `INSERT INTO troupe_schema (version, name, checksum, applied_ms) VALUES (?, ?, ?, ${NOW})`,
    );
    const taken = MIGRATIONS.filter(({ version }) => !done.has(version));
    for (const migration of taken) {
      for (const statement of migration.statements) db.exec(statement);
      record.run(migration.version, migration.name, migrationChecksum(migration));
    }
    db.prepare("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)").run(
      CLUSTER,
      new TextEncoder().encode(cluster),
    );
    checkCluster(db, cluster);
    db.exec("COMMIT");
    return taken;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** Throws if the store belongs to another cluster. */
export function checkCluster(db: SqlDatabase, cluster: string): void {
  const kept = db.prepare("SELECT value FROM meta WHERE name = ?").get(CLUSTER)?.[0];
  const found = kept instanceof Uint8Array ? new TextDecoder().decode(kept) : String(kept);
  if (found === cluster) return;
  const message = `the store belongs to cluster ${found}, not ${cluster}`;
  throw refusal("plugin.unsupported", message, "cluster_mismatch", EXIT_CONFIGURATION);
}

/** Compares the schema with a fresh one; throws with a list of what is missing or different. */
export function verifySchema(driver: SqlDriver, db: SqlDatabase): void {
  const fresh = driver.open(":memory:");
  try {
    migrate(fresh, "");
    const found = describeSchema(db);
    const differences: string[] = [];
    for (const [name, definition] of describeSchema(fresh)) {
      const there = found.get(name);
      if (there === undefined) differences.push(`missing ${name}`);
      else if (there !== definition) differences.push(`${name} is ${there}, not ${definition}`);
    }
    if (differences.length === 0) return;
    const message = `schema_mismatch: ${differences.join("; ")}`;
    throw refusal("state.corrupt", message, "schema_mismatch", EXIT_DATA);
  } finally {
    fresh.close();
  }
}

/** Every column, index and trigger by name, with the part of its definition that matters. */
function describeSchema(db: SqlDatabase): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  const columns = db.prepare(
    `SELECT m.name, c.name, c.type, c."notnull", c.pk
       FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table'`,
  );
  for (const [table, column, type, notNull, key] of columns.all()) {
    const bound = `${notNull === 1n ? " not null" : ""}${key === 0n ? "" : ` key ${Number(key)}`}`;
    parts.set(`column ${String(table)}.${String(column)}`, `${String(type)}${bound}`);
  }
  const others = db.prepare(
    "SELECT type, name, sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL",
  );
  for (const [type, name, sql] of others.all()) {
    parts.set(`${String(type)} ${String(name)}`, String(sql).replaceAll(/\s+/g, " "));
  }
  return parts;
}
