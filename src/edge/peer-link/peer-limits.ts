/** Bounds of peer links. Bytes, counts and milliseconds. */
export interface PeerLimits {
  readonly maxFrameBytes: number;
  /** Once so many bytes wait in a connection nothing more is encoded for it. */
  readonly highWaterBytes: number;
  /** Calls under way to one member. */
  readonly maxCalls: number;
  /** Messages that wait for one channel to one member. */
  readonly maxMessages: number;
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** A connection on which nothing came for so long is asked for a sign of life. */
  readonly quietMs: number;
  /** A connection on which nothing came for so long is dead. */
  readonly silentMs: number;
  /** First and longest wait before a member is dialled again. */
  readonly backOffMs: number;
  readonly maxBackOffMs: number;
  readonly maxConnections: number;
}

const MIB = 1024 * 1024;

/** For members on one network; a frame holds the largest message with room to spare. */
export const DEFAULT_PEER_LIMITS: PeerLimits = Object.freeze({
  maxFrameBytes: 16 * MIB,
  highWaterBytes: 4 * MIB,
  maxCalls: 20_000,
  maxMessages: 20_000,
  connectTimeoutMs: 2_000,
  handshakeTimeoutMs: 5_000,
  quietMs: 2_000,
  silentMs: 6_000,
  backOffMs: 100,
  maxBackOffMs: 5_000,
  maxConnections: 4_096,
});
