import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Effect, ScheduleTime } from "../domain/effect.ts";
import {
  type EffectSchema,
  MissedPolicy,
  type ScheduleEffectSchema,
} from "../gen/troupe/v1/invocation_pb.ts";

type EffectInit = MessageInitShape<typeof EffectSchema>;
type ScheduleInit = MessageInitShape<typeof ScheduleEffectSchema>;

const MISSED = {
  fire_once: MissedPolicy.FIRE_ONCE,
  skip: MissedPolicy.SKIP,
  all: MissedPolicy.ALL,
} as const;

function whenInit(when: ScheduleTime): NonNullable<ScheduleInit["when"]> {
  switch (when.kind) {
    case "at":
      return { case: "at", value: timestampFromMs(Math.round(when.epochMs)) };
    case "delay":
      return { case: "delay", value: durationFromMs(Math.round(when.ms)) };
    case "every":
      return { case: "every", value: durationFromMs(Math.round(when.ms)) };
    case "cron":
      return { case: "cron", value: when.cron };
  }
}

/** The effect as a message of the protocol. Throws a `TypeError` for one that it has no field for. */
export function effectMessage(effect: Effect): EffectInit {
  switch (effect.kind) {
    case "forward":
      return {
        effect: { case: "forward", value: { target: effect.target, action: effect.action } },
      };
    case "pipe":
      return { effect: { case: "pipe", value: { target: effect.target, action: effect.action } } };
    case "send": {
      const { target, action, payload, delayMs, metadata, requestId } = effect;
      const delay = delayMs === 0 ? {} : { delay: durationFromMs(Math.round(delayMs)) };
      return {
        effect: { case: "send", value: { target, action, payload, metadata, requestId, ...delay } },
      };
    }
    case "broadcast": {
      const { channel, action, payload, metadata } = effect;
      return { effect: { case: "broadcast", value: { channel, action, payload, metadata } } };
    }
    case "schedule": {
      const { name, action, payload, when, missed } = effect;
      const timeZone = when.kind === "cron" ? when.timeZone : "";
      const value = {
        name,
        action,
        payload,
        when: whenInit(when),
        timeZone,
        missed: MISSED[missed],
      };
      return { effect: { case: "schedule", value } };
    }
    case "cancel":
      return { effect: { case: "cancelSchedule", value: { name: effect.name } } };
    case "checkpoint":
      return { effect: { case: "checkpoint", value: {} } };
    case "delete":
      return { effect: { case: "delete", value: { shred: effect.shred } } };
    case "unsupported":
      throw new TypeError(`the protocol has no effect "${effect.name}"`);
  }
}
