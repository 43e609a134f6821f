import { expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import { selfTestStatestore } from "../../../src/node/statestore-self-test.ts";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import {
  type PostgresBackend,
  postgresBackend,
  sayServer,
} from "../../../test/conformance/support/postgres-backend.ts";
import { makeCockroach, openCockroach } from "../../../test/conformance/support/postgres-store.ts";
import { withStore } from "../../../test/conformance/support/statestore-fixture.ts";

/** The whole suite, on CockroachDB where there is one, and on the nearest server to it. */
function suites(name: string, backend: PostgresBackend): void {
  const subject = {
    name,
    open: (dir: string): Promise<Statestore> => openCockroach(backend, dir),
    make: (dir: string): Statestore => makeCockroach(backend, dir),
    durable: true,
    shared: true,
  };
  test(`${name} passes the node's own test at start`, () =>
    withStore(subject, async (store) => {
      await sayServer(store);
      expect(await selfTestStatestore(store)).toBeUndefined();
    }));
  statestoreSuite(subject);
  statestoreModelSuite(subject);
}

const real = postgresBackend("TROUPE_TEST_COCKROACHDB_URL", false);
if (real !== undefined) suites("cockroachdb", real);
const nearest = postgresBackend();
if (nearest !== undefined) suites("cockroachdb's statements on PostgreSQL", nearest);
