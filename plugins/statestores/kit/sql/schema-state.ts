import type { ErrorCode, ErrorDetails } from "../../../../src/contract/index.ts";
import { StoreFailure } from "../failure.ts";
import { type AppliedMigration, type Migration, planMigrations } from "../migration-plan.ts";
import { type CatalogEntry, type SqlDialect, unprepared } from "./dialect.ts";
import { numberOf, textOf } from "./row-values.ts";
import { SCHEMA_TABLE, TABLES } from "./schema.ts";
import { schemaSteps } from "./schema-steps.ts";
import type { SqlRunner } from "./sql-client.ts";

/** Exit codes of a start that is refused. */
export const EXIT = { data: 65, unavailable: 69, permission: 77, configuration: 78 } as const;

/** A start that is refused; the message begins with the reason. */
export function refusal(
  code: ErrorCode,
  reason: string,
  exitCode: number,
  message: string,
  hint?: string,
): StoreFailure {
  const details: ErrorDetails = { reason, exitCode, ...(hint === undefined ? {} : { hint }) };
  return new StoreFailure(code, `${reason}: ${message}`, "not_applied", details);
}

/** Where the schema of a database stands. */
export interface SchemaState {
  /** The table of steps is there. */
  readonly hasSteps: boolean;
  /** Highest step that was taken; 0 for none. */
  readonly have: number;
  readonly pending: readonly Migration[];
}

/** Reads where a database stands; throws unless this binary can serve it. Writes nothing. */
export async function inspectSchema(runner: SqlRunner, dialect: SqlDialect): Promise<SchemaState> {
  const catalog = await dialect.schema.catalog(runner);
  const tables = new Set(catalog.map(({ table }) => table));
  if (!tables.has(SCHEMA_TABLE.name)) {
    const ours = TABLES.filter(({ name }) => tables.has(name));
    if (ours.length === 0) return { hasSteps: false, have: 0, pending: schemaSteps(dialect) };
    const message = `there is a table "${ours[0]?.name}", but none says which schema it belongs to`;
    throw refusal("state.corrupt", "schema_unknown", EXIT.data, message);
  }
  const applied = await appliedSteps(runner, dialect);
  const plan = planMigrations(schemaSteps(dialect), applied);
  if (plan.kind === "newer") {
    const message = `schema_newer have=${plan.have} found=${plan.found}`;
    const hint = "start a binary that is at least as new as the one that wrote the store";
    const details = { reason: "schema_newer", exitCode: EXIT.configuration, hint };
    throw new StoreFailure("plugin.unsupported", message, "not_applied", details);
  }
  if (plan.kind === "changed") {
    const message = `step ${plan.version} of the schema differs from ours`;
    throw refusal("state.corrupt", "schema_mismatch", EXIT.data, message);
  }
  const have = applied.reduce((highest, { version }) => Math.max(highest, version), 0);
  return { hasSteps: true, have, pending: plan.pending };
}

async function appliedSteps(
  runner: SqlRunner,
  dialect: SqlDialect,
): Promise<readonly AppliedMigration[]> {
  const text = `SELECT version, checksum FROM ${dialect.table(SCHEMA_TABLE.name)} ORDER BY version`;
  const { rows } = await runner.run(unprepared(text), []);
  return rows.map(([version, checksum]) => ({
    version: numberOf(version),
    checksum: textOf(checksum),
  }));
}

/** Throws with a list of what is missing or different. */
export async function verifySchema(runner: SqlRunner, dialect: SqlDialect): Promise<void> {
  const catalog = await dialect.schema.catalog(runner);
  const found = new Map(catalog.map((entry) => [nameOf(entry), entry.definition]));
  const differences: string[] = [];
  for (const definition of [SCHEMA_TABLE, ...TABLES]) {
    for (const entry of dialect.schema.expected(definition)) {
      const there = found.get(nameOf(entry));
      if (there === undefined) differences.push(`missing ${nameOf(entry)}`);
      else if (there !== entry.definition) {
        differences.push(`${nameOf(entry)} is ${there}, not ${entry.definition}`);
      }
    }
  }
  if (differences.length === 0) return;
  throw refusal("state.corrupt", "schema_mismatch", EXIT.data, differences.join("; "));
}

function nameOf({ kind, table, name }: CatalogEntry): string {
  return kind === "column" ? `column ${table}.${name}` : `index ${name} of ${table}`;
}
