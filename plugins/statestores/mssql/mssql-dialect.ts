import type { SqlDialect } from "../kit/sql/dialect.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import { ClaimPlan } from "./claim-plan.ts";
import { CommitPlan } from "./commit-plan.ts";
import { readFacts } from "./mssql-facts.ts";
import { FRAGMENTS } from "./mssql-fragments.ts";
import { SCHEMA } from "./mssql-schema.ts";

/** Tables are in the user's default schema, under the names of the kit. */
export const tableName = (name: SqlTableName): string => name;

/** SQL Server in the kit's words. */
export function makeMssqlDialect(): SqlDialect {
  const claims = new ClaimPlan(tableName);
  const commits = new CommitPlan(tableName);
  return {
    name: "mssql",
    schema: SCHEMA,
    fragments: FRAGMENTS,
    table: tableName,
    facts: readFacts,
    claim: (client, ask) => claims.run(client, ask),
    commit: (client, batch) => commits.run(client, batch),
  };
}
