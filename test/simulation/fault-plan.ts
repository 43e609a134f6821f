import type { Prng } from "../support/prng.ts";

/** Rates of what goes wrong, per call (0 to 1) or in milliseconds between two events of a kind. */
export interface FaultPlan {
  /** The request never reaches the store. */
  readonly lost: number;
  /** Applied, but the answer never comes. */
  readonly replyLost: number;
  /** Applied long after the caller was told that nobody knows. */
  readonly late: number;
  readonly busy: number;
  /** A commit arrives a second time. */
  readonly twice: number;
  readonly slow: number;
  /** The compare-and-set answers `conflict` and changes nothing. */
  readonly conflict: number;
  /** A state comes back with a flipped bit. */
  readonly corrupt: number;
  /** The process stops for longer than its lease with the commit on its lips. */
  readonly zombie: number;
  readonly hostCrash: number;
  readonly hostStuck: number;
  readonly hostInvalid: number;
  readonly hostTwice: number;
  readonly duplicate: number;
  readonly cancel: number;
  readonly shortDeadline: number;
  readonly idConflict: number;
  readonly burst: number;
  readonly pauseEveryMs: number;
  readonly crashEveryMs: number;
  /** A node is drained and started again, as in a rolling restart. */
  readonly rollEveryMs: number;
  readonly outageEveryMs: number;
  readonly partitionEveryMs: number;
  readonly evictEveryMs: number;
  readonly deactivateEveryMs: number;
  readonly wallJumpEveryMs: number;
  /** How far a node's monotonic clock may be off, as a share. */
  readonly clockDrift: number;
}

/** No fault at all: what a healed world has. */
export const NO_FAULTS: FaultPlan = {
  lost: 0,
  replyLost: 0,
  late: 0,
  busy: 0,
  twice: 0,
  slow: 0,
  conflict: 0,
  corrupt: 0,
  zombie: 0,
  hostCrash: 0,
  hostStuck: 0,
  hostInvalid: 0,
  hostTwice: 0,
  duplicate: 0,
  cancel: 0,
  shortDeadline: 0,
  idConflict: 0,
  burst: 0,
  pauseEveryMs: 0,
  crashEveryMs: 0,
  rollEveryMs: 0,
  outageEveryMs: 0,
  partitionEveryMs: 0,
  evictEveryMs: 0,
  deactivateEveryMs: 0,
  wallJumpEveryMs: 0,
  clockDrift: 0,
};

/** Swarm testing: each seed first draws which faults there are at all, then how often they come. */
export function drawFaultPlan(random: Prng): FaultPlan {
  const rate = (most: number): number => (random.unit() < 0.5 ? random.unit() * most : 0);
  const every = (leastMs: number): number =>
    random.unit() < 0.5 ? leastMs * (1 + 3 * random.unit()) : 0;
  return {
    lost: rate(0.04),
    replyLost: rate(0.08),
    late: rate(0.08),
    busy: rate(0.05),
    twice: rate(0.1),
    slow: rate(0.1),
    conflict: rate(0.02),
    corrupt: rate(0.2),
    zombie: rate(0.01),
    hostCrash: rate(0.01),
    hostStuck: rate(0.01),
    hostInvalid: rate(0.04),
    hostTwice: rate(0.1),
    duplicate: rate(0.3),
    cancel: rate(0.1),
    shortDeadline: rate(0.1),
    idConflict: rate(0.1),
    burst: rate(0.2),
    pauseEveryMs: every(800),
    crashEveryMs: every(2_000),
    rollEveryMs: every(2_000),
    outageEveryMs: every(3_000),
    partitionEveryMs: every(2_000),
    evictEveryMs: every(700),
    deactivateEveryMs: every(150),
    wallJumpEveryMs: every(1_000),
    clockDrift: rate(0.05),
  };
}
