import type { BroadcastQueue } from "./broadcast-queue.ts";
import type { Outbox } from "./effects.ts";
import type { LocalHealth } from "./local-health.ts";
import type { LocalNode } from "./local-node.ts";
import type { ProbeOrder } from "./probe-order.ts";
import type { Suspicions } from "./suspicions.ts";
import type { SwimOptions } from "./swim.ts";
import type { View } from "./view.ts";

/** What the parts of one membership core share. */
export interface SwimKernel extends Pick<SwimOptions, "config" | "random"> {
  readonly view: View;
  readonly order: ProbeOrder;
  readonly queue: BroadcastQueue;
  readonly suspicions: Suspicions;
  readonly self: LocalNode;
  readonly health: LocalHealth;
  readonly outbox: Outbox;
}
