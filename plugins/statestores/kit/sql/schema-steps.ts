import type { Migration } from "../migration-plan.ts";
import type { SqlDialect } from "./dialect.ts";
import { LOCKS, type SqlTableName, TABLES } from "./schema.ts";

/** Names as they are recorded and shown, whatever place the tables have. */
const plain = (name: SqlTableName): string => name;

/**
 * Every step of the schema, oldest first, with tables named by `table`. Only ever appended to: the
 * checksums that databases remember are those of the steps with plain names.
 */
export function schemaSteps(
  { schema }: SqlDialect,
  table: (name: SqlTableName) => string = plain,
): readonly Migration[] {
  const locks = LOCKS.map(
    (name) =>
      `INSERT INTO ${table("locks")} (name) SELECT '${name}' FROM (SELECT 1 AS one) o
        WHERE NOT EXISTS (SELECT 1 FROM ${table("locks")} l WHERE l.name = '${name}')`,
  );
  return [
    {
      version: 1,
      name: "actors, sessions, effects",
      statements: [...TABLES.flatMap((one) => schema.create(one, table)), ...locks],
    },
  ];
}
