import type { Plugin } from "../../../src/contract/index.ts";
import {
  type ServerKind,
  type ServerOptions,
  serverAddress,
  serverOptions,
} from "../kit/sql/server-address.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import { mysqlServer } from "./mysql-server.ts";

const KIND: ServerKind = {
  schemes: ["mysql", "mariadb"],
  port: 3_306,
  user: "root",
  socketIn: (folder) => `${folder}/mysqld.sock`,
};

/** State in MySQL or MariaDB. */
export default {
  contract: "statestore@1",
  name: "mysql",
  stability: "beta",
  doc: "State in MySQL 8.0 or MariaDB 10.6 or later, for any number of nodes.",
  options: serverOptions(KIND),
  create(options, host) {
    const address = serverAddress(options, KIND, host);
    return new SqlStatestore(host, mysqlServer(address, host.clock), options);
  },
} satisfies Plugin<"statestore@1", ServerOptions>;
