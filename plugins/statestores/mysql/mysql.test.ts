import { afterAll, expect, test } from "bun:test";
import { statestoreSuite } from "../../../test/conformance/statestore.suite.ts";
import { statestoreModelSuite } from "../../../test/conformance/statestore-model.suite.ts";
import type { StatestoreSubject } from "../../../test/conformance/support/statestore-fixture.ts";
import { mysqlServers } from "../../../test/support/mysql-databases.ts";
import { bunDriver } from "./driver-bun.ts";
import { nodeDriver } from "./driver-node.ts";
import { MysqlStores } from "../../../test/support/mysql-stores.ts";
import { tempDir } from "../../../test/support/temp-dir.ts";

const DRIVERS = { bun: bunDriver, mysql2: nodeDriver };

for (const { name, url } of mysqlServers()) {
  if (url === undefined) continue;
  for (const [driverName, driver] of Object.entries(DRIVERS)) {
    const stores = new MysqlStores(url, driver);
    afterAll(() => stores.drop());
    const subject: StatestoreSubject = {
      name: `${name} through ${driverName}`,
      open: (dir) => stores.open(dir),
      make: (dir) => stores.make(dir),
      durable: true,
      shared: true,
    };
    statestoreSuite(subject);
    statestoreModelSuite(subject, 10);

    test(`${name} says what it is through ${driverName}`, async () => {
      using folder = tempDir();
      const store = await stores.open(folder.path);
      const text = await store.describe();
      await store.stop?.(AbortSignal.timeout(10_000));
      process.stdout.write(`ran on: ${text}\n`);
      expect(text).toContain(name);
    });
  }
}
