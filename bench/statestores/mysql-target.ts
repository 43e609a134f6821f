import { SQL } from "bun";
import type { SqlClient, SqlRow, SqlRunner } from "../../plugins/statestores/kit/sql/sql-client.ts";
import { bunDriver } from "../../plugins/statestores/mysql/driver-bun.ts";
import { MysqlDialect } from "../../plugins/statestores/mysql/mysql-dialect.ts";
import { StatementTexts } from "../../plugins/statestores/mysql/statement-texts.ts";
import { MysqlStores } from "../../test/support/mysql-stores.ts";
import type { BenchTarget } from "./targets.ts";

const DIR = "bench";

/** A store on MySQL or MariaDB; its driver is the runtime's own, used as its manual says. */
export async function openMysqlTarget(url: string, lanes: number): Promise<BenchTarget> {
  const stores = new MysqlStores(url, bunDriver);
  const store = await stores.open(DIR, { host: { queryTimeoutMs: 60_000 } });
  const at = new URL(url);
  at.pathname = await stores.database(DIR);
  const sql = new SQL(at, { adapter: "mysql", max: lanes, bigint: true });
  const texts = new StatementTexts();
  const runnerOf = (on: SQL): SqlRunner => ({
    run: async (statement, values) => {
      const known = texts.of(statement.text);
      const rows = await on.unsafe(known.text, [...known.arrange(values)]).values();
      return { rows: rows as readonly SqlRow[], changed: rows.affectedRows };
    },
  });
  const driver: SqlClient = {
    open: async () => undefined,
    run: (statement, values) => runnerOf(sql).run(statement, values),
    transaction: async (body) => (await sql.begin(async (tx) => [await body(runnerOf(tx))]))[0]!,
    close: () => sql.close(),
  };
  return {
    store,
    dialect: new MysqlDialect(),
    driver,
    close: async () => {
      await store.stop(AbortSignal.timeout(30_000));
      await sql.close();
      await stores.drop();
    },
  };
}
