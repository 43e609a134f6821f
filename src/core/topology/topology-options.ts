import type { Member } from "../../domain/member.ts";
import { SETTLE_DEFAULTS, type SettleOptions } from "../placement/settling.ts";

/** What a topology queue needs to know. Times in milliseconds. */
export interface TopologyQueueOptions {
  readonly system: string;
  readonly self: Member;
  /** Deaths within this time of the first are one batch. */
  readonly batchMs: number;
  /** Longest wait for sessions to be fenced. */
  readonly fenceMs: number;
  /** Longest wait for a redistribution before the next may begin. */
  readonly redistributeMs: number;
  /** Dead members are known for this long. */
  readonly forgetMs: number;
  /** Whether running actors move to members that join. */
  readonly rebalanceOnJoin: boolean;
  readonly settle: SettleOptions;
}

/** The documented defaults. */
export const TOPOLOGY_DEFAULTS: Omit<TopologyQueueOptions, "system" | "self"> = Object.freeze({
  batchMs: 500,
  fenceMs: 5_000,
  redistributeMs: 15_000,
  forgetMs: 86_400_000,
  rebalanceOnJoin: true,
  settle: SETTLE_DEFAULTS,
});
