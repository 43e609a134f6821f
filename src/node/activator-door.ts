import { Cron } from "croner";
import type { ActivatorCall, ActivatorHost, Statestore } from "../contract/index.ts";
import { type Caller, EMPTY_MAP, type Invoker, type Reply } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import type { Clock } from "./ports.ts";
import type { Webhooks } from "./webhooks.ts";

export interface ActivatorDoorOptions {
  readonly invoker: Invoker;
  /** The main store; asked for when it is needed, because doors are made before there is a node. */
  readonly store: () => Statestore;
  readonly webhooks: Webhooks;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Throws `ServerError` if the event names what no actor, action or request may be called. */
  readonly checkCall: (call: ActivatorCall) => void;
  /** Unique to this process, to tell who was first. */
  readonly bootId: string;
}

/** What activators have over other plug-ins: the way in, under their own identity. */
export type ActivatorDoor = Pick<ActivatorHost, "invoke" | "webhook" | "nextCron" | "claimOnce">;

/** The door of the activator `instance`. Its calls are authorised like everybody's. */
export function makeActivatorDoor(instance: string, options: ActivatorDoorOptions): ActivatorDoor {
  const { invoker, store, webhooks, clock, limits, bootId, checkCall } = options;
  const caller: Caller = { kind: "system", id: `activator:${instance}`, roles: ["activator"] };
  const mine = new TextEncoder().encode(bootId);
  return {
    invoke: async (call: ActivatorCall, signal: AbortSignal): Promise<Reply> => {
      checkCall(call);
      const timeoutMs = Math.min(call.timeoutMs, limits.maxDeadlineMs);
      const { actor, action, payload, requestId, metadata } = call;
      const deadlineMs = clock.now() + timeoutMs;
      const rest = { chain: [], trace: undefined, hops: 0 };
      return await invoker.invoke(
        {
          actor,
          action,
          payload,
          requestId,
          metadata: metadata ?? EMPTY_MAP,
          caller,
          deadlineMs,
          ...rest,
        },
        signal,
      );
    },
    webhook: (path, handler) => webhooks.take(path, handler),
    nextCron: (cron, timeZone, afterMs) => {
      const next = new Cron(cron, { timezone: timeZone, paused: true }).nextRun(new Date(afterMs));
      return next === null ? undefined : next.getTime();
    },
    claimOnce: async (key) => {
      const { meta, exclusive } = store();
      const winner = await meta.putIfAbsent(`once/${instance}/${key}`, mine);
      if (winner.length === mine.length && winner.every((byte, i) => byte === mine[i])) return true;
      // Where one process holds the store, the winner was an earlier life of this node, which may
      // have died before its call was committed. While the request id is recorded, a repeat is safe.
      const age = clock.wallMs() - Number(key);
      return exclusive && Number.isFinite(age) && age < limits.dedupWindowMs / 2;
    },
  };
}
