import type { ActorId } from "../../domain/actor.ts";
import { CONNECT_CODES } from "../../domain/connect-code.ts";
import { isServerError, ServerError } from "../../domain/error.ts";
import type { CallTrace, Invocation, Invoker, StringMap } from "../../domain/invocation.ts";
import type { TurnFailure } from "../../domain/turn.ts";
import type { HostGate, HostLink } from "../../node/host-port.ts";
import type { Clock } from "../../node/ports.ts";
import { type CallReply, type CallTuple, packPayload, unpackPayload } from "./actor-frames.ts";

/** A call or an effect that user code asks for, before the node sees it. */
export interface AskedCall {
  readonly target: ActorId;
  readonly action: string;
  readonly requestId: string;
}

/** What calls from user code to other actors go through. */
export interface CallWorld {
  readonly gate: HostGate;
  readonly invoker: Invoker;
  readonly clock: Clock;
  /** Throws `ServerError` if user code names what no actor or action may be called. */
  readonly checkCall: (call: AskedCall) => void;
  /** Opens and ends the span of a call made in a turn that is traced. */
  readonly trace?:
    | {
        start(traceparent: string, tracestate: string, name: string): CallTrace | undefined;
        end(trace: CallTrace, code: string): void;
      }
    | undefined;
}

/** Calls that one thread may have under way. */
const CALL_LIMIT = 1_000;

/**
 * The calls that actors of one thread make to others, in the name of the turns that make them: with
 * their caller, their chain and no more than their time.
 */
export class ThreadCalls {
  readonly #world: CallWorld;
  readonly #link: HostLink;
  readonly #answer: (reply: CallReply) => void;
  readonly #underWay = new Set<AbortController>();

  constructor(world: CallWorld, link: HostLink, answer: (reply: CallReply) => void) {
    this.#world = world;
    this.#link = link;
    this.#answer = answer;
  }

  /** Makes one call; its answer comes later, or at once if it is refused. */
  make(tuple: CallTuple): void {
    const [callId] = tuple;
    let invocation: Invocation;
    try {
      invocation = this.#invocation(tuple);
    } catch (error) {
      this.#answer([callId, undefined, failureOf(error)]);
      return;
    }
    const abort = new AbortController();
    this.#underWay.add(abort);
    const { trace } = invocation;
    const done = (code: string, reply: CallReply): void => {
      if (trace !== undefined) this.#world.trace?.end(trace, code);
      if (this.#underWay.delete(abort)) this.#answer(reply);
    };
    this.#world.invoker.invoke(invocation, abort.signal).then(
      ({ payload }) => done("ok", [callId, packPayload(payload), undefined]),
      (error: unknown) => {
        const failure = failureOf(error);
        done(failure.code, [callId, undefined, failure]);
      },
    );
  }

  /** Takes back every call: nobody is there any more to hear the answers. */
  cancelAll(): void {
    const all = [...this.#underWay];
    this.#underWay.clear();
    for (const abort of all) abort.abort();
  }

  #invocation(tuple: CallTuple): Invocation {
    const [, turnId, target, action, payload, metadata, requestId, timeoutMs] = tuple;
    const { gate, clock, checkCall, trace } = this.#world;
    const running = gate.turn(gate.token(this.#link, turnId));
    if (running === undefined) {
      throw new ServerError("request.invalid", "the turn is over", "not_started");
    }
    if (this.#underWay.size >= CALL_LIMIT) {
      const text = `actors of one thread may have ${CALL_LIMIT} calls under way`;
      throw new ServerError("quota.exceeded", text, "not_started", { reason: "HOST_CALLS" });
    }
    checkCall({ target, action, requestId });
    const { invocation: origin } = running;
    const parent = origin.trace;
    return {
      actor: target,
      action,
      payload: unpackPayload(payload),
      requestId,
      metadata: textsOf(metadata),
      caller: { ...origin.caller, actor: origin.actor },
      chain: [...origin.chain, origin.actor],
      deadlineMs: Math.min(origin.deadlineMs, clock.now() + timeoutMs),
      trace:
        parent === undefined
          ? undefined
          : trace?.start(parent.traceparent, parent.tracestate, `${target.type}/${action}`),
      hops: 0,
    };
  }
}

/** The error of a call as user code may see it: its code, or the callee's own where that failed. */
export function failureOf(error: unknown): TurnFailure {
  if (!isServerError(error)) return { code: "internal", message: "an internal error occurred" };
  // The codes that a host elsewhere hears, so that an actor is the same wherever it runs.
  return { code: error.details.hostCode ?? CONNECT_CODES[error.code], message: error.message };
}

function textsOf(map: StringMap): StringMap {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)]));
}
