import type { Plugin, StatestoreHost } from "../../../src/contract/index.ts";
import type { SqlServer } from "../kit/sql/dialect.ts";
import {
  type ServerKind,
  type ServerOptions,
  serverAddress,
  serverOptions,
} from "../kit/sql/server-address.ts";
import { SqlStatestore } from "../kit/sql/sql-statestore.ts";
import { PostgresClient } from "./postgres-client.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import { placeOf } from "./postgres-socket.ts";

/** The plug-in's options, validated. */
export interface PostgresOptions extends ServerOptions {
  readonly schema: string;
  readonly prepare: boolean;
}

const KIND: ServerKind = {
  schemes: ["postgres", "postgresql"],
  port: 5_432,
  user: "postgres",
  socketIn: (folder, port) => `${folder}/.s.PGSQL.${port}`,
};

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** State in PostgreSQL. */
export default {
  contract: "statestore@1",
  name: "postgres",
  stability: "beta",
  doc: "State in PostgreSQL 13 or later, for any number of nodes.",
  options: {
    ...serverOptions(KIND),
    schema: {
      type: "string",
      default: "public",
      doc: "Schema of the database that holds the tables: lower-case letters, digits and _.",
    },
    prepare: {
      type: "boolean",
      default: true,
      doc: "Keeps statements prepared; false behind a pooler that works by transaction.",
    },
  },
  create(options, host) {
    if (!IDENTIFIER.test(options.schema)) {
      const message = "schema must be lower-case letters, digits and _, at most 63 of them";
      throw host.error("plugin.unsupported", message, "not_applied", { reason: "schema_name" });
    }
    return new SqlStatestore(host, server(options, host), {
      poolSize: options.poolSize,
      queueTargetMs: options.queueTarget,
      connectTimeoutMs: options.connectTimeout,
      migrate: options.migrate,
    });
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
