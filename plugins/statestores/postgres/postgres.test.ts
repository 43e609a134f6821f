import { describe, expect, test } from "bun:test";
import type { Statestore } from "../../../src/contract/index.ts";
import { selfTestStatestore } from "../../../src/node/statestore-self-test.ts";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import { postgresBackend, sayServer } from "../../../test/conformance/support/postgres-backend.ts";
import { withStore } from "../../../test/conformance/support/statestore-fixture.ts";
import { makePostgres, openPostgres } from "../../../test/conformance/support/postgres-store.ts";

const backend = postgresBackend();
if (backend !== undefined) {
  const subject = {
    name: "postgres",
    open: (dir: string): Promise<Statestore> => openPostgres(backend, dir),
    make: (dir: string): Statestore => makePostgres(backend, dir),
    durable: true,
    shared: true,
  };
  describe("postgres", () => {
    test("passes the node's own test at start", () =>
      withStore(subject, async (store) => {
        await sayServer(store);
        expect(await selfTestStatestore(store)).toBeUndefined();
      }));
  });
  statestoreSuite(subject);
  statestoreModelSuite(subject);
}
