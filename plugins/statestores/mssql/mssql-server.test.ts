import { describe, expect, test } from "bun:test";
import { selfTestStatestore } from "../../../src/node/statestore-self-test.ts";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import { mssqlBackend } from "../../../test/conformance/support/mssql-backend.ts";
import {
  type StatestoreSubject,
  withStore,
} from "../../../test/conformance/support/statestore-fixture.ts";

/*
 * The suites on the SQL Server that TROUPE_TEST_MSSQL_URL names, with a user who may make databases:
 * once with reads under locks and once with reads of committed versions.
 */
for (const mode of ["locks", "versions"] as const) {
  const backend = mssqlBackend(mode);
  if (backend === undefined) continue;
  const subject: StatestoreSubject = {
    name: `mssql, reads by ${mode}`,
    open: (dir) => backend.open(dir),
    durable: true,
    shared: true,
  };
  describe(subject.name, () => {
    test("passes the node's own test at start", () =>
      withStore(subject, async (store) => {
        process.stdout.write(`ran on: ${await store.describe()}\n`);
        expect(await selfTestStatestore(store)).toBeUndefined();
      }));
  });
  statestoreSuite(subject);
  statestoreModelSuite(subject);
}
