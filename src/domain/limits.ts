/** Every bound that a call meets on its way. Bytes, counts and milliseconds; all configurable. */
export interface Limits {
  readonly messageBytes: number;
  readonly stateBytes: number;
  readonly metadataEntries: number;
  readonly metadataValueBytes: number;
  readonly metadataBytes: number;
  readonly messageDepth: number;
  readonly messageElements: number;
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
  readonly maxStreamDeadlineMs: number;
  readonly mailboxCalls: number;
  readonly mailboxBytes: number;
  /** Payload bytes of all calls under way. */
  readonly mailboxMemoryBytes: number;
  readonly chainDepth: number;
  /** Turns handed to a host in one invocation of an actor. */
  readonly chainedTurns: number;
  readonly effectsPerTurn: number;
  readonly hostTurnTimeoutMs: number;
  readonly hostCredit: number;
  readonly activations: number;
  readonly inFlightCalls: number;
  readonly deactivationTimeoutMs: number;
  readonly dedupWindowMs: number;
  readonly dedupKeep: number;
  /** Rows per second that re-encryption moves. */
  readonly resealRate: number;
  readonly sessionTtlMs: number;
  readonly sessionRenewMs: number;
  readonly sessionMarginMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** The documented defaults. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  messageBytes: 4 * MIB,
  stateBytes: 2 * MIB,
  metadataEntries: 64,
  metadataValueBytes: 4 * KIB,
  metadataBytes: 16 * KIB,
  messageDepth: 64,
  messageElements: 10_000,
  defaultDeadlineMs: 30_000,
  maxDeadlineMs: 60_000,
  maxStreamDeadlineMs: 3_600_000,
  mailboxCalls: 1_000,
  mailboxBytes: 8 * MIB,
  mailboxMemoryBytes: 64 * MIB,
  chainDepth: 32,
  chainedTurns: 64,
  effectsPerTurn: 1_000,
  hostTurnTimeoutMs: 30_000,
  hostCredit: 200,
  activations: 100_000,
  inFlightCalls: 4_096,
  deactivationTimeoutMs: 600_000,
  dedupWindowMs: 86_400_000,
  dedupKeep: 1_000,
  resealRate: 200,
  sessionTtlMs: 15_000,
  sessionRenewMs: 3_000,
  sessionMarginMs: 2_000,
});
