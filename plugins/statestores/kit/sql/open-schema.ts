import type { SchemaStep } from "../../../../src/contract/index.ts";
import { migrationChecksum } from "../migration-plan.ts";
import { type SqlDialect, unprepared } from "./dialect.ts";
import { textOf, utf8 } from "./row-values.ts";
import { SCHEMA_TABLE, type SqlTable, TABLES } from "./schema.ts";
import { EXIT, inspectSchema, refusal, verifySchema } from "./schema-state.ts";
import { schemaSteps } from "./schema-steps.ts";
import { type SqlClient, SqlError, type SqlRunner } from "./sql-client.ts";

/** `auto`: missing steps are taken. `check`: they are refused, and `troupe migrate` takes them. */
export type MigrateMode = "auto" | "check";

/**
 * Brings the schema to where this binary wants it, or refuses: missing steps, the cluster it belongs
 * to, every table, column and index, and what this user may do with them.
 */
export async function openSchema(
  client: SqlClient,
  dialect: SqlDialect,
  cluster: string,
  mode: MigrateMode,
): Promise<void> {
  const { pending, have } = await inspectSchema(client, dialect);
  if (pending.length > 0 && mode === "check") {
    const message = `schema have=${have} want=${have + pending.length}, and migrate is "check"`;
    const hint = "run: troupe migrate";
    throw refusal("plugin.unsupported", "schema_old", EXIT.configuration, message, hint);
  }
  if (pending.length > 0) await takeSteps(client, dialect);
  await verifySchema(client, dialect);
  await checkPrivileges(client, dialect);
  await checkCluster(client, dialect, cluster);
}

/** Takes the missing steps while no other process does, and answers them. */
export async function takeSteps(
  client: SqlClient,
  dialect: SqlDialect,
  taken: (step: SchemaStep) => void = () => undefined,
): Promise<readonly SchemaStep[]> {
  const steps = schemaTable(dialect);
  const record = unprepared(
    `INSERT INTO ${steps} (version, name, checksum, applied_ms)
     VALUES ($1, $2, $3, ${dialect.fragments.now})`,
  );
  return await dialect.schema.exclusively(client, async (runner) => {
    // Whoever held the lock before may have taken them.
    const { hasSteps, pending } = await inspectSchema(runner, dialect);
    const table = (name: SqlTable["name"]): string => dialect.table(name);
    if (!hasSteps) await runAll(runner, dialect.schema.create(SCHEMA_TABLE, table));
    const here = schemaSteps(dialect, table);
    for (const step of pending) {
      const ours = here.find(({ version }) => version === step.version);
      await runAll(runner, ours?.statements ?? []);
      const { version, name } = step;
      await runner.run(record, [version, utf8(name), utf8(migrationChecksum(step))]);
      taken(step);
    }
    return pending;
  });
}

function schemaTable(dialect: SqlDialect): string {
  return dialect.table(SCHEMA_TABLE.name);
}

async function runAll(runner: SqlRunner, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await runner.run(unprepared(statement), []);
}

/** Writes the cluster's name if none is there; throws if it is another's. */
async function checkCluster(
  client: SqlClient,
  dialect: SqlDialect,
  cluster: string,
): Promise<void> {
  const { insertIfAbsent } = dialect.fragments;
  const meta = dialect.table("meta");
  const name = utf8("cluster");
  const insert = unprepared(insertIfAbsent(meta, ["name"], ["name", "value"]));
  await client.run(insert, [name, utf8(cluster)]);
  const select = unprepared(`SELECT value FROM ${meta} WHERE name = $1`);
  const found = textOf((await client.run(select, [name])).rows[0]?.[0]);
  if (found === cluster) return;
  const message = `the store belongs to cluster ${found}, not ${cluster}`;
  throw refusal("plugin.unsupported", "cluster_mismatch", EXIT.configuration, message);
}

/** Does to every table what the store will do, to no row. */
async function checkPrivileges(client: SqlClient, dialect: SqlDialect): Promise<void> {
  const denied: string[] = [];
  for (const table of TABLES) {
    for (const [verb, text] of Object.entries(probesOf(table, dialect.table(table.name)))) {
      try {
        await client.run(unprepared(text), []);
      } catch (error) {
        if (!(error instanceof SqlError) || error.kind !== "permission") throw error;
        denied.push(`${verb} on ${table.name}`);
      }
    }
  }
  if (denied.length === 0) return;
  const message = `the user may not ${denied.join(", ")}`;
  throw refusal("state.unavailable", "db_permission", EXIT.permission, message);
}

function probesOf({ columns }: SqlTable, table: string): Readonly<Record<string, string>> {
  const names = columns.filter(({ kind }) => kind !== "number").map(({ name }) => name);
  const [first = ""] = names;
  return {
    SELECT: `SELECT ${first} FROM ${table} WHERE 1 = 0`,
    INSERT: `INSERT INTO ${table} (${names.join(", ")})
             SELECT ${names.join(", ")} FROM ${table} WHERE 1 = 0`,
    UPDATE: `UPDATE ${table} SET ${first} = ${first} WHERE 1 = 0`,
    DELETE: `DELETE FROM ${table} WHERE 1 = 0`,
  };
}
