import type { SqlDialect } from "../kit/sql/dialect.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import { ClaimPlan } from "./claim-plan.ts";
import { CommitPlan } from "./commit-plan.ts";
import { readFacts } from "./mssql-facts.ts";
import { FRAGMENTS } from "./mssql-fragments.ts";
import { mssqlSchema } from "./mssql-schema.ts";

/** SQL Server 2019 and later, with the tables in one schema of its database. */
export function mssqlDialect(namespace: string): SqlDialect {
  const table = (name: SqlTableName): string => `${namespace}.${name}`;
  const claims = new ClaimPlan(table);
  const commits = new CommitPlan(table);
  return {
    name: "mssql",
    schema: mssqlSchema(namespace),
    fragments: FRAGMENTS,
    table,
    facts: readFacts,
    claim: (client, ask) => claims.run(client, ask),
    commit: (client, batch) => commits.run(client, batch),
  };
}
