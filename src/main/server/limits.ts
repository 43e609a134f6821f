import type { Limits } from "../../domain/limits.ts";
import type { NodeLimits } from "../../kernel/settings.ts";
import type { ListenerLimits } from "../../node/ports.ts";

/** The bounds of a listener, from configuration. */
export function listenerLimits(limits: NodeLimits): ListenerLimits {
  return {
    maxConnections: limits.connections,
    maxConnectionsPerAddress: limits.connectionsPerAddress,
    maxConcurrentStreams: limits.streamsPerConnection,
    maxHeaderBytes: limits.headerBytes,
    maxHeaderCount: limits.headerCount,
    maxMessageBytes: limits.messageBytes,
    headerTimeoutMs: limits.headerTimeoutMs,
    bodyTimeoutMs: limits.bodyTimeoutMs,
    tlsHandshakeTimeoutMs: limits.tlsHandshakeTimeoutMs,
    idleTimeoutMs: limits.connectionIdleTimeoutMs,
    writeStallMs: limits.writeStallTimeoutMs,
  };
}

/** The bounds of calls and actors, from configuration. */
export function callLimits(limits: NodeLimits): Limits {
  return limits;
}
