import type { ActorId } from "./actor.ts";
import type { Payload, StringMap } from "./invocation.ts";

/** When a schedule fires. */
export type ScheduleTime =
  | { readonly kind: "at"; readonly epochMs: number }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "every"; readonly ms: number }
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string };

/** What a turn asks for besides state. Commits with the state and is released after it. */
export type Effect =
  | { readonly kind: "forward"; readonly target: ActorId; readonly action: string }
  | { readonly kind: "pipe"; readonly target: ActorId; readonly action: string }
  | {
      readonly kind: "send";
      readonly target: ActorId;
      readonly action: string;
      readonly payload: Payload;
      readonly delayMs: number;
      readonly metadata: StringMap;
      readonly requestId: string;
    }
  | {
      readonly kind: "broadcast";
      readonly channel: string;
      readonly action: string;
      readonly payload: Payload;
      readonly metadata: StringMap;
    }
  | {
      readonly kind: "schedule";
      readonly name: string;
      readonly action: string;
      readonly payload: Payload;
      readonly when: ScheduleTime;
      readonly missed: "fire_once" | "skip" | "all";
    }
  | { readonly kind: "cancel"; readonly name: string }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "delete"; readonly shred: boolean }
  /** An effect of the protocol that this server does not offer; its turn is refused. */
  | { readonly kind: "unsupported"; readonly name: string };
