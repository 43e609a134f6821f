import type { StatestoreHost } from "../../../../src/contract/index.ts";
import type { ServerFacts, SqlServer } from "./dialect.ts";
import { EXIT, refusal } from "./schema-state.ts";
import { type SqlClient, SqlError } from "./sql-client.ts";

/** How far the server's clock may be from this node's: said from the first, refused from the second. */
const SKEW_WARN_MS = 1_000;
const SKEW_MAX_MS = 30_000;
const PAUSE_MS = 100;

/**
 * Connects, trying for `patienceMs`, and refuses a server that cannot be used: too old, unsafe, or
 * with a clock far from this node's.
 */
export async function openServer(
  host: StatestoreHost,
  server: SqlServer,
  client: SqlClient,
  patienceMs: number,
  signal: AbortSignal,
): Promise<ServerFacts> {
  await connect(host, client, patienceMs, signal);
  const { dialect, place } = server;
  const before = host.clock.wallMs();
  const facts = await dialect.facts(client);
  const middle = (before + host.clock.wallMs()) / 2;
  if (facts.refusal !== undefined) {
    throw refusal("plugin.unsupported", "db_refused", EXIT.configuration, facts.refusal);
  }
  checkDurability(host, facts, place);
  checkClock(host, Math.round(facts.nowMs - middle), place);
  return facts;
}

async function connect(
  host: StatestoreHost,
  client: SqlClient,
  patienceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = host;
  const end = clock.now() + patienceMs;
  for (;;) {
    try {
      await client.open(signal);
      return;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const isAway = error.kind === "unreachable" || error.kind === "lost";
      if (!isAway || signal.aborted || clock.now() + PAUSE_MS > end) throw error;
      await new Promise<void>((resolve) => void clock.setTimer(PAUSE_MS, resolve));
    }
  }
}

function checkDurability(host: StatestoreHost, { unsafe }: ServerFacts, place: string): void {
  host.meter.gauge("unsafe_durability", unsafe.length === 0 ? 0 : 1);
  if (unsafe.length === 0) return;
  const settings = unsafe.join(", ");
  if (!host.acceptUnsafeDurability) {
    const message = `${place} may lose committed turns (${settings})`;
    const hint = "change the settings of the database, or accept the loss of acknowledged commits";
    throw refusal("plugin.unsupported", "unsafe_durability", EXIT.configuration, message, hint);
  }
  host.log.warn("the database may lose committed turns, which was accepted", { place, settings });
}

function checkClock(host: StatestoreHost, skewMs: number, place: string): void {
  host.meter.gauge("clock_skew_ms", skewMs);
  if (Math.abs(skewMs) <= SKEW_WARN_MS) return;
  if (Math.abs(skewMs) > SKEW_MAX_MS) {
    const message = `the clock of ${place} is ${skewMs} ms ahead of this node's`;
    throw refusal("state.unavailable", "clock_skew", EXIT.unavailable, message);
  }
  host.log.warn("the database's clock differs from this node's", { place, skewMs });
}

/** What a failure of the server means for a start. */
export function startFailure(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const { kind, message } = error;
  switch (kind) {
    case "tls":
      return refusal("state.unavailable", "db_tls", EXIT.unavailable, message);
    case "login":
      return refusal("state.unavailable", "db_login", EXIT.permission, message);
    case "permission":
      return refusal("state.unavailable", "db_permission", EXIT.permission, message);
    case "schema":
      return refusal("state.corrupt", "schema_mismatch", EXIT.data, message);
    default:
      return refusal("state.unavailable", "db_unavailable", EXIT.unavailable, message);
  }
}
