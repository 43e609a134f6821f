import { assert } from "../../std/assert.ts";
import { HEADER_BYTES, LARGEST_PART_BYTES, STATEMENT_BYTES } from "./wire.ts";

/** What a membership core is set to. Milliseconds, bytes and counts; all of it whole numbers. */
export interface SwimConfig {
  readonly probeIntervalMs: number;
  /** How long a direct ping is waited for before relays are asked. */
  readonly probeTimeoutMs: number;
  /** Relays asked when a direct ping stays without answer. */
  readonly indirectProbes: number;
  /** Lifeguard's α: the shortest suspicion, in probe intervals per log₁₀ n. */
  readonly suspicionMult: number;
  /** Lifeguard's β: the longest suspicion as a multiple of the shortest. */
  readonly suspicionMaxMult: number;
  /** λ: transmissions of one statement per decimal digit of n. */
  readonly retransmitMult: number;
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  /** How long the dead are still gossiped to, so that the wrongly dead hear of it. */
  readonly gossipToDeadMs: number;
  /** The largest datagram, sealed. */
  readonly packetBytes: number;
  /** What sealing adds to a datagram. */
  readonly sealBytes: number;
  /** Distance of full exchanges with a random member, up to 32 members; scaled beyond. */
  readonly syncIntervalMs: number;
  /** Distance of contacts with absent seeds and dead members; scaled like full exchanges. */
  readonly contactIntervalMs: number;
  /** How long views must differ before an exchange, and the least distance of two such exchanges. */
  readonly digestSyncMs: number;
  /** How long the driver may take for one exchange over a stream. */
  readonly streamTimeoutMs: number;
  /** The first and the longest wait between attempts to join. */
  readonly joinRetryMs: number;
  readonly joinRetryMaxMs: number;
  /** The highest score of local health; 0 is healthy. */
  readonly maxHealth: number;
  /** Probe intervals for which a member must have been suspect before a death is believed. */
  readonly corroborateIntervals: number;
  readonly tombstoneMs: number;
  /**
   * How long a member must be dead before another process may take its name in the same generation;
   * 0 for never. Only where no statestore gives out generations.
   */
  readonly reclaimMs: number;
  /** How long a leave may take to be told, and how long pings are answered after that. */
  readonly leaveTimeoutMs: number;
  readonly leaveLingerMs: number;
  readonly maxMembers: number;
  /** The largest frame of an exchange, unsealed. */
  readonly frameBytes: number;
  /** Whether a ping over a stream is tried beside the relays. */
  readonly streamPings: boolean;
  /** Hash of the cluster's id, unsigned 32 bits: packets with another are dropped. */
  readonly clusterHash: number;
  /** Digest of the strategies that all members must share, unsigned 32 bits. */
  readonly strategyDigest: number;
}

const LEAST_TOMBSTONES = 4_096;

/** The profile of an actor cluster in one data centre. */
export const ACTOR_PROFILE: SwimConfig = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 300,
  indirectProbes: 3,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  retransmitMult: 4,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToDeadMs: 30_000,
  packetBytes: 1_400,
  sealBytes: 0,
  syncIntervalMs: 30_000,
  contactIntervalMs: 10_000,
  digestSyncMs: 1_000,
  streamTimeoutMs: 3_000,
  joinRetryMs: 100,
  joinRetryMaxMs: 60_000,
  maxHealth: 7,
  corroborateIntervals: 3,
  tombstoneMs: 24 * 3_600_000,
  reclaimMs: 0,
  leaveTimeoutMs: 5_000,
  leaveLingerMs: 1_000,
  maxMembers: 1_024,
  frameBytes: 1 << 20,
  streamPings: true,
  clusterHash: 0,
  strategyDigest: 0,
};

/** How many dead and left members are remembered among `n`; the oldest are let go of first. */
export function mostTombstones(n: number): number {
  return Math.max(LEAST_TOMBSTONES, 4 * n);
}

/** Throws `InvariantError` on settings that cannot work; the driver has validated what people wrote. */
export function checkSwimConfig(config: SwimConfig): void {
  const { probeIntervalMs, probeTimeoutMs } = config;
  for (const [name, value] of Object.entries(config)) {
    assert(typeof value === "boolean" || Number.isSafeInteger(value), `swim.${name} is whole`);
  }
  assert(
    probeTimeoutMs > 0 && probeTimeoutMs < probeIntervalMs,
    "a probe times out before it ends",
  );
  const roomBytes = config.packetBytes - config.sealBytes - HEADER_BYTES;
  assert(roomBytes >= LARGEST_PART_BYTES, "every statement fits into a datagram");
  const memberBytes = LARGEST_PART_BYTES + STATEMENT_BYTES;
  const viewBytes =
    HEADER_BYTES +
    config.maxMembers * memberBytes +
    mostTombstones(config.maxMembers) * STATEMENT_BYTES;
  assert(config.frameBytes >= viewBytes, "a view of all members fits into a frame");
}
