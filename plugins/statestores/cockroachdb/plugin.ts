import type { Plugin, StatestoreHost } from "../../../src/contract/index.ts";
import type { SqlServer } from "../kit/sql/dialect.ts";
import { type ServerKind, serverAddress, serverOptions } from "../kit/sql/server-address.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import type { PostgresOptions } from "../postgres/plugin.ts";
import { NAMESPACE_OPTIONS, requireNamespace } from "../postgres/namespace-option.ts";
import { PostgresClient } from "../postgres/postgres-client.ts";
import { placeOf } from "../postgres/postgres-socket.ts";
import { cockroachDialect } from "./cockroach-dialect.ts";

const KIND: ServerKind = {
  schemes: ["postgres", "postgresql", "cockroachdb", "cockroach"],
  port: 26_257,
  user: "root",
  socketIn: (folder, port) => `${folder}/.s.PGSQL.${port}`,
};

/** State in CockroachDB, over the wire of PostgreSQL. */
export default {
  contract: "statestore@1",
  name: "cockroachdb",
  stability: "experimental",
  doc: "State in CockroachDB 22.2 or later, for any number of nodes.",
  options: { ...serverOptions(KIND), ...NAMESPACE_OPTIONS },
  create(options, host) {
    requireNamespace(options.schema, host);
    return new SqlStatestore(host, server(options, host), options);
  },
} satisfies Plugin<"statestore@1", PostgresOptions>;

function server(options: PostgresOptions, host: StatestoreHost): SqlServer {
  const address = serverAddress(options, KIND, host);
  return {
    dialect: cockroachDialect(options.schema),
    place: placeOf(address),
    connect: (limits) =>
      new PostgresClient({
        address,
        limits,
        clock: host.clock,
        prepare: options.prepare,
        begin: "BEGIN ISOLATION LEVEL SERIALIZABLE",
        parameters: {
          // The server gives up first, so that what it did is known.
          statement_timeout: String(Math.ceil(limits.statementTimeoutMs * 0.9)),
          idle_in_transaction_session_timeout: String(limits.statementTimeoutMs),
          default_transaction_isolation: "serializable",
        },
      }),
  };
}
