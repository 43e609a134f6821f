import { type ServerFacts, unprepared } from "../kit/sql/dialect.ts";
import { numberOf, textOf } from "../kit/sql/row-values.ts";
import type { SqlRunner } from "../kit/sql/sql-client.ts";
import { NOW } from "./mssql-types.ts";

/** SQL Server 2019, the first whose table variables are planned by their real size. */
const FIRST_MAJOR = 15;
/** Hosted editions, whose version does not tell their age: Azure SQL Database and its kin. */
const HOSTED_EDITIONS: ReadonlySet<number> = new Set([5, 8, 11, 12]);

/** What a server says of itself and of the database. */
export const FACTS = unprepared(`SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar(128)),
  CAST(SERVERPROPERTY('Edition') AS varchar(128)), CAST(SERVERPROPERTY('EngineEdition') AS int),
  d.delayed_durability_desc, CAST(d.is_read_only AS int), ${NOW}
  FROM sys.databases d WHERE d.database_id = DB_ID();`);

/** Reads them. */
export async function readFacts(runner: SqlRunner): Promise<ServerFacts> {
  const [row = []] = (await runner.run(FACTS, [])).rows;
  const [version, edition, engine, durability, isReadOnly, nowMs] = row;
  const major = Number(textOf(version).split(".")[0]);
  const isOld = major < FIRST_MAJOR && !HOSTED_EDITIONS.has(numberOf(engine));
  const product = `SQL Server ${textOf(version)} (${textOf(edition)})`;
  const refusal = isOld
    ? `SQL Server ${textOf(version)} is too old; 2019 (15.0) is needed`
    : numberOf(isReadOnly) === 1
      ? "the database is read-only"
      : undefined;
  return {
    product,
    refusal,
    unsafe: textOf(durability) === "FORCED" ? ["DELAYED_DURABILITY=FORCED"] : [],
    nowMs: numberOf(nowMs),
  };
}
