import { CteClaim } from "../kit/sql/cte-claim.ts";
import { CTE_FRAGMENTS } from "../kit/sql/cte-dialect.ts";
import { type ServerFacts, type SqlDialect, unprepared } from "../kit/sql/dialect.ts";
import { numberOf } from "../kit/sql/row-values.ts";
import type { SqlTableName } from "../kit/sql/schema.ts";
import type { SqlRunner } from "../kit/sql/sql-client.ts";
import { serializableClaim } from "./cockroach-claim.ts";
import { CockroachCommit } from "./cockroach-commit.ts";
import { cockroachSchema } from "./cockroach-schema.ts";

const FACTS = unprepared(`SELECT version(), ${CTE_FRAGMENTS.now}`);

/** The first release that passes over locked rows. */
const MIN_VERSION = [22, 2] as const;

/** CockroachDB 22.2 and later, with the tables in one of its schemas. */
export function cockroachDialect(namespace: string): SqlDialect {
  const table = (name: SqlTableName): string => `"${namespace}".${name}`;
  const parts = { fragments: CTE_FRAGMENTS, typesEvery: true, table };
  const claim = new CteClaim(parts, serializableClaim);
  const commit = new CockroachCommit(parts);
  return {
    name: "cockroachdb",
    schema: cockroachSchema(namespace),
    fragments: CTE_FRAGMENTS,
    table,
    facts,
    claim: (client, ask) => claim.claim(client, ask),
    commit: (client, batch) => commit.commit(client, batch),
  };
}

async function facts(runner: SqlRunner): Promise<ServerFacts> {
  const [[version, nowMs] = []] = (await runner.run(FACTS, [])).rows;
  return { ...judged(String(version)), unsafe: [], nowMs: numberOf(nowMs) };
}

/** What a server is by its own words: `CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, …)`. */
export function judged(version: string): Pick<ServerFacts, "product" | "refusal"> {
  const [product = ""] = version.split(" (");
  const found = /^CockroachDB .*v(\d+)\.(\d+)/.exec(version);
  if (found === null) return { product, refusal: undefined };
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const isOld = major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
  const refusal = `CockroachDB ${MIN_VERSION.join(".")} is needed, this is ${product}`;
  return { product, refusal: isOld ? refusal : undefined };
}
