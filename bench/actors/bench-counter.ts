import type { Actor } from "troupe/actor";

interface Count {
  count: number;
  readonly padding: string;
}

const DAY_MS = 86_400_000;

/** Counts, with a state of 1 KiB. */
export const counter = {
  type: "bench",
  initial: { count: 0, padding: "x".repeat(1000) },
  deactivationTimeoutMs: DAY_MS,
  actions: {
    add(ctx, amount: number) {
      ctx.state.count += amount;
      return ctx.state.count;
    },
  },
} satisfies Actor<Count>;

/** Counts, with a state of a few bytes: what an activation costs besides. */
export const small = {
  type: "small",
  initial: { count: 0 },
  deactivationTimeoutMs: DAY_MS,
  actions: {
    add(ctx, amount: number) {
      ctx.state.count += amount;
      return ctx.state.count;
    },
  },
} satisfies Actor<Pick<Count, "count">>;
