import type { Plugin, StatestoreHost } from "../../../src/contract/index.ts";
import type { SqlServer } from "../kit/sql/dialect.ts";
import {
  type ServerKind,
  type ServerOptions,
  serverAddress,
  serverOptions,
} from "../kit/sql/server-address.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import { MssqlClient } from "./driver.ts";
import { mssqlDialect } from "./mssql-dialect.ts";

/** The plug-in's options, validated. */
export interface MssqlOptions extends ServerOptions {
  readonly schema: string;
}

const KIND: ServerKind = {
  schemes: ["mssql", "sqlserver"],
  port: 1_433,
  user: "sa",
  socketIn: (folder) => folder,
};

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;
/** `Server=…;Database=…` and `sqlserver://host;database=…`, as other drivers have it. */
const KEYWORDS = /^[^:/?#]*=|;/;

/** State in SQL Server. */
export default {
  contract: "statestore@1",
  name: "mssql",
  stability: "experimental",
  doc: "State in SQL Server 2019 or later or Azure SQL, for any number of nodes.",
  options: {
    ...serverOptions(KIND),
    schema: {
      type: "string",
      default: "dbo",
      doc: "Schema of the database that holds the tables: lower-case letters, digits and _.",
    },
  },
  create(options, host) {
    const refuse = (reason: string, message: string) =>
      host.error("plugin.unsupported", message, "not_applied", { reason, exitCode: 78 });
    if (!IDENTIFIER.test(options.schema)) {
      const message = "schema must be lower-case letters, digits and _, at most 63 of them";
      throw refuse("schema_name", message);
    }
    if (KEYWORDS.test(options.url)) {
      const form = "mssql://user:password@host:port/database";
      throw refuse("url", `url has keywords and values; write it as ${form}`);
    }
    return new SqlStatestore(host, server(options, host), options);
  },
} satisfies Plugin<"statestore@1", MssqlOptions>;

function server(options: MssqlOptions, host: StatestoreHost): SqlServer {
  const address = serverAddress(options, KIND, host);
  if (address.socketPath !== "") {
    const message = "host must be a name or an address: SQL Server has no Unix socket";
    throw host.error("plugin.unsupported", message, "not_applied", { reason: "url", exitCode: 78 });
  }
  return {
    dialect: mssqlDialect(options.schema),
    place: `${address.host}:${address.port}/${address.database}`,
    connect: (limits) => new MssqlClient(address, limits, host.clock),
  };
}
