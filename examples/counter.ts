import type { Actor } from "troupe/actor";

interface Count {
  count: number;
}

/** Counts. `add` answers the new count, so adding 0 reads it; `get` answers the state. */
export default {
  type: "counter",
  initial: { count: 0 },
  actions: {
    add(ctx, amount: number) {
      if (!Number.isSafeInteger(amount)) ctx.fail("invalid_argument", "add takes a whole number");
      ctx.state.count += amount;
      return ctx.state.count;
    },
  },
} satisfies Actor<Count>;
