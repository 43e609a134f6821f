import { statestoreHost } from "../../conformance/support/statestore-host.ts";
import { MssqlClient } from "../../../plugins/statestores/mssql/driver.ts";
import type { SqlAddress, SqlLimits } from "../../../plugins/statestores/kit/sql/sql-client.ts";
import { TdsDouble } from "./tds-double.ts";
import type { TdsHandler, TdsOptions } from "./tds-handler.ts";

/** Bounds of a client under test: short where a test waits for them to be reached. */
export const LIMITS: SqlLimits = {
  poolSize: 4,
  queueTargetMs: 10_000,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 10_000,
};

/** What a test may choose besides the double's handler. */
export interface ClientOptions {
  readonly double?: TdsOptions;
  readonly address?: Partial<SqlAddress>;
  readonly limits?: Partial<SqlLimits>;
}

/** Where a double on this port is reached. */
export function addressOf(port: number, changes: Partial<SqlAddress> = {}): SqlAddress {
  return {
    host: "127.0.0.1",
    port,
    socketPath: "",
    user: "troupe",
    password: "påss-wörd",
    database: "actors",
    tls: "off",
    tlsCa: "",
    ...changes,
  };
}

/** A client of its own for a double or a port; not yet opened. */
export function clientOf(port: number, { address, limits }: ClientOptions = {}): MssqlClient {
  const { clock } = statestoreHost("");
  return new MssqlClient(addressOf(port, address), { ...LIMITS, ...limits }, clock);
}

/** Runs `body` with a double and a client of it, and stops both. */
export async function withDouble(
  handler: TdsHandler,
  body: (client: MssqlClient, double: TdsDouble) => Promise<void>,
  options: ClientOptions = {},
): Promise<void> {
  await using double = await TdsDouble.start(handler, options.double);
  const client = clientOf(double.port, options);
  try {
    await body(client, double);
  } finally {
    await client.close();
  }
}
