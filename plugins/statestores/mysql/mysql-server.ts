import type { PluginClock } from "../../../src/contract/index.ts";
import type { SqlServer } from "../kit/sql/dialect.ts";
import type { SqlAddress } from "../kit/sql/sql-client.ts";
import type { MysqlDriver } from "./driver.ts";
import { MysqlClient } from "./mysql-client.ts";
import { MysqlDialect } from "./mysql-dialect.ts";
import { placeOf } from "./server-error.ts";

/** A server at an address, through the driver of the runtime at hand unless another is given. */
export function mysqlServer(
  address: SqlAddress,
  clock: PluginClock,
  driver: MysqlDriver = runtimeDriver,
): SqlServer {
  return {
    dialect: new MysqlDialect(),
    place: placeOf(address),
    connect: (limits) => new MysqlClient({ address, limits, clock, driver }),
  };
}

/** The driver of the runtime at hand, whose library is loaded with the first connection. */
const runtimeDriver: MysqlDriver = {
  connect: async (...parameters) => (await loadDriver()).connect(...parameters),
};

async function loadDriver(): Promise<MysqlDriver> {
  if ("Bun" in globalThis) return (await import("./driver-bun.ts")).bunDriver;
  return (await import("./driver-node.ts")).nodeDriver;
}
