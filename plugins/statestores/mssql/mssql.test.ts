import { afterAll, beforeAll } from "bun:test";
import { basename } from "node:path";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import type { StatestoreSubject } from "../../../test/conformance/support/statestore-fixture.ts";
import { statestoreHost } from "../../../test/conformance/support/statestore-host.ts";
import { defaultOptions } from "../../../test/support/tds/mssql-options.ts";
import { TsqlServer } from "../../../test/support/tds/tsql-server.ts";
import type { Statestore } from "../../../src/contract/index.ts";
import mssql from "./plugin.ts";

/*
 * The statestore over its real driver and a wire, against a double that runs its statements in
 * SQLite: what the statements say is tried, and what SQL Server makes of them is not.
 */
const server = new TsqlServer();
beforeAll(async () => {
  await server.start();
  process.stdout.write("ran on: a stand-in for SQL Server (real driver and wire, SQLite behind)\n");
});
afterAll(() => server[Symbol.asyncDispose]());

async function open(dir: string): Promise<Statestore> {
  const url = server.url(basename(dir));
  const store = mssql.create({ ...defaultOptions(), url }, statestoreHost(dir, { shared: true }));
  await store.start(AbortSignal.timeout(10_000));
  return store;
}

const subject: StatestoreSubject = { name: "mssql double", open, durable: true, shared: true };
statestoreSuite(subject);
statestoreModelSuite(subject);
