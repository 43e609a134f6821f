import { makeApiHandler } from "../../src/edge/api-handler.ts";
import type { ApiHandlerOptions } from "../../src/edge/api-options.ts";
import { DEFAULT_LIMITS } from "../../src/domain/limits.ts";
import type { Listener, ListenerLimits, Logger } from "../../src/node/ports.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { listen } from "../../src/platform/http/listen.ts";
import { EchoActors } from "./echo-actors.ts";

const LISTENER_LIMITS: ListenerLimits = {
  maxConnections: 1_000,
  maxConnectionsPerAddress: 1_000,
  maxConcurrentStreams: 100,
  maxHeaderBytes: 16_384,
  maxHeaderCount: 100,
  maxMessageBytes: DEFAULT_LIMITS.messageBytes,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  writeStallMs: 30_000,
};

/** A log that keeps what was said, so that a test can look whether something was. */
export function keptLog(lines: string[]): Logger {
  const keep = (event: string): void => void lines.push(event);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}

export interface EdgeServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly actors: EchoActors;
  readonly listener: Listener;
  /** Refusals as `entry reason`, observed calls as `method code`, aborts as their phase. */
  readonly rejected: string[];
  readonly observed: string[];
  readonly aborted: string[];
  readonly log: string[];
}

/** The real edge on a real listener on a free port, before actors in memory. */
export async function startEdge(options: Partial<ApiHandlerOptions> = {}): Promise<EdgeServer> {
  const actors = new EchoActors();
  const [rejected, observed, aborted, log]: string[][] = [[], [], [], []];
  const handler = makeApiHandler({
    api: actors,
    clock: systemClock,
    log: keptLog(log ?? []),
    limits: DEFAULT_LIMITS,
    instruments: {
      observe: (method, code) => void observed?.push(`${method} ${code}`),
      rejected: (entry, reason) => void rejected?.push(`${entry} ${reason}`),
      aborted: (phase) => void aborted?.push(phase),
    },
    corsOrigins: [],
    status: () => "running",
    pageTokenKey: new Uint8Array(32).fill(7),
    ...options,
  });
  const listener = await listen({ host: "127.0.0.1", port: 0, limits: LISTENER_LIMITS }, handler);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    actors,
    listener,
    rejected: rejected ?? [],
    observed: observed ?? [],
    aborted: aborted ?? [],
    log: log ?? [],
    [Symbol.asyncDispose]: () => listener.close(),
  };
}
