import { Call } from "../../src/core/activation/call.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import {
  ANONYMOUS,
  EMPTY_BYTES,
  EMPTY_MAP,
  JSON_TYPE,
  type Invocation,
} from "../../src/domain/invocation.ts";

const ACTOR: ActorId = { system: "default", type: "thing", key: "k" };

/** An invocation of nothing in particular. */
export function madeInvocation(changes: Partial<Invocation> = {}): Invocation {
  return {
    actor: ACTOR,
    action: "change",
    payload: { type: JSON_TYPE, data: EMPTY_BYTES },
    requestId: "",
    metadata: EMPTY_MAP,
    caller: ANONYMOUS,
    chain: [],
    deadlineMs: 1_000_000,
    trace: undefined,
    hops: 0,
    ...changes,
  };
}

/** A call whose answer nobody hears; `digest` counts if there is a request id. */
export function madeCall(id: number, changes: Partial<Invocation> = {}, digest = 0): Call {
  const invocation = madeInvocation(changes);
  const unheard = (): void => undefined;
  const sum = invocation.requestId === "" ? undefined : Uint8Array.of(digest);
  return new Call(id, invocation, sum, { resolve: unheard, reject: unheard });
}
