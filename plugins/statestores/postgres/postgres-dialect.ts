import { CteClaim } from "../kit/sql/cte-claim.ts";
import { CteCommit } from "../kit/sql/cte-commit.ts";
import { CTE_FRAGMENTS } from "../kit/sql/cte-dialect.ts";
import { type ServerFacts, type SqlDialect, unprepared } from "../kit/sql/dialect.ts";
import { numberOf } from "../kit/sql/row-values.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlRunner } from "../kit/sql/sql-client.ts";
import { postgresSchema } from "./postgres-schema.ts";

const MIN_VERSION = 130_000;

const FACTS = unprepared(
  `SELECT current_setting('server_version'), current_setting('server_version_num')::int,
          current_setting('server_encoding'), current_setting('default_transaction_isolation'),
          current_setting('standard_conforming_strings'), current_setting('bytea_output'),
          CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END,
          current_setting('fsync'), current_setting('synchronous_commit'),
          current_setting('full_page_writes'), ${CTE_FRAGMENTS.now}`,
);

/** PostgreSQL 13 and later, with the tables in one of its schemas. */
export function postgresDialect(namespace: string): SqlDialect {
  const table = (name: SqlTableName): string => `"${namespace}".${name}`;
  const parts = { fragments: CTE_FRAGMENTS, table };
  const claim = new CteClaim(parts);
  const commit = new CteCommit(parts);
  return {
    name: "postgres",
    schema: postgresSchema(namespace),
    fragments: CTE_FRAGMENTS,
    table,
    facts,
    claim: (client, ask) => claim.claim(client, ask),
    commit: (client, batch) => commit.commit(client, batch),
  };
}

async function facts(runner: SqlRunner): Promise<ServerFacts> {
  const [row = []] = (await runner.run(FACTS, [])).rows;
  const [version, number, encoding, isolation, strings, bytes, isStandby] = row;
  const durability = { fsync: row[7], synchronous_commit: row[8], full_page_writes: row[9] };
  const wrong = Object.entries({
    server_encoding: [encoding, "UTF8"],
    default_transaction_isolation: [isolation, "read committed"],
    standard_conforming_strings: [strings, "on"],
    bytea_output: [bytes, "hex"],
  }).find(([, [found, wanted]]) => found !== wanted);
  let refusal: string | undefined;
  if (numberOf(number) < MIN_VERSION)
    refusal = `PostgreSQL 13 is needed, this is ${String(version)}`;
  else if (numberOf(isStandby) === 1) refusal = "the server is a standby, which takes no writes";
  else if (wrong !== undefined) {
    const [name, [found, wanted]] = wrong;
    refusal = `${name} is "${String(found)}" and must be "${String(wanted)}"`;
  }
  return {
    product: `PostgreSQL ${String(version)}`,
    refusal,
    unsafe: Object.entries(durability)
      .filter(([, value]) => value === "off")
      .map(([name, value]) => `${name}=${String(value)}`),
    nowMs: numberOf(row[10]),
  };
}
