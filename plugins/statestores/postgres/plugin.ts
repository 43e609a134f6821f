import type { Plugin, StatestoreHost } from "../../../src/contract/index.ts";
import type { SqlServer } from "../kit/sql/dialect.ts";
import {
  type ServerKind,
  type ServerOptions,
  serverAddress,
  serverOptions,
} from "../kit/sql/server-address.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import { NAMESPACE_OPTIONS, type NamespaceOptions, requireNamespace } from "./namespace-option.ts";
import { PostgresClient } from "./postgres-client.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import { placeOf } from "./postgres-socket.ts";

/** The plug-in's options, validated. */
export interface PostgresOptions extends ServerOptions, NamespaceOptions {}

const KIND: ServerKind = {
  schemes: ["postgres", "postgresql"],
  port: 5_432,
  user: "postgres",
  socketIn: (folder, port) => `${folder}/.s.PGSQL.${port}`,
};

/** State in PostgreSQL. */
export default {
  contract: "statestore@1",
  name: "postgres",
  stability: "beta",
  doc: "State in PostgreSQL 13 or later, for any number of nodes.",
  options: { ...serverOptions(KIND), ...NAMESPACE_OPTIONS },
  create(options, host) {
    requireNamespace(options.schema, host);
    return new SqlStatestore(host, server(options, host), options);
  },
} satisfies Plugin<"statestore@1", PostgresOptions>;

function server(options: PostgresOptions, host: StatestoreHost): SqlServer {
  const address = serverAddress(options, KIND, host);
  return {
    dialect: postgresDialect(options.schema),
    place: placeOf(address),
    connect: (limits) =>
      new PostgresClient({
        address,
        limits,
        clock: host.clock,
        prepare: options.prepare,
        begin: "BEGIN ISOLATION LEVEL READ COMMITTED",
        parameters: {
          // The server gives up first, so that what it did is known.
          statement_timeout: String(Math.ceil(limits.statementTimeoutMs * 0.9)),
          idle_in_transaction_session_timeout: String(limits.statementTimeoutMs),
          default_transaction_isolation: "read committed",
          standard_conforming_strings: "on",
          bytea_output: "hex",
          jit: "off",
          plan_cache_mode: "force_generic_plan",
          // Rows are found by an index also while a table is small, and so are locked in the order of
          // their keys: who locks them in the order of their places may meet another who does not.
          enable_seqscan: "off",
        },
      }),
  };
}
