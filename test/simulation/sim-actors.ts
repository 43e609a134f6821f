import type { ActorTypeSpec } from "../../src/domain/actor.ts";
import { EMPTY_MAP, JSON_TYPE, type Payload } from "../../src/domain/invocation.ts";
import type { HostInvocation, HostResult, TurnOutcome } from "../../src/domain/turn.ts";

/**
 * The two actors of the simulation. A `counter` keeps every operation that was applied to it, in
 * order, and answers the position of its own; a `register` holds one value and can compare and set.
 */
export type SimType = "counter" | "register";

export interface CounterState {
  readonly ops: readonly string[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toPayload(value: unknown): Payload {
  return { type: JSON_TYPE, data: encoder.encode(JSON.stringify(value)) };
}

export function fromPayload(payload: Payload | undefined): unknown {
  if (payload === undefined || payload.data.length === 0) return undefined;
  return JSON.parse(decoder.decode(payload.data));
}

/** What is registered of a type. */
export function simSpec(type: SimType, mailboxCalls: number, keepHistory: boolean): ActorTypeSpec {
  const names = type === "counter" ? ["add", "refuse"] : ["read", "write", "cas", "shred"];
  return {
    system: "sim",
    type,
    kind: "unnamed",
    stateful: true,
    durability: "commit",
    actions: names.map((name) => ({ name, readOnly: name === "read" })),
    openActions: false,
    deactivationTimeoutMs: 3_000,
    reentrant: false,
    reads: "fenced",
    history: { kind: keepHistory ? "all" : "none" },
    stateType: JSON_TYPE,
    mailboxCalls,
    mailboxBytes: 1_048_576,
  };
}

interface Step {
  readonly state: unknown;
  readonly reply: unknown;
  readonly changed: boolean;
  readonly failed?: boolean;
  readonly shreds?: boolean;
}

function counterStep(state: unknown, action: string, argument: unknown): Step {
  const { ops } = (state ?? { ops: [] }) as CounterState;
  if (action === "refuse") return { state, reply: null, changed: false, failed: true };
  const after = { ops: [...ops, argument as string] };
  return { state: after, reply: after.ops.length, changed: true };
}

function registerStep(state: unknown, action: string, argument: unknown): Step {
  const value = (state ?? { value: null }) as { readonly value: string | null };
  if (action === "read") return { state, reply: value.value, changed: false };
  if (action === "shred") return { state: undefined, reply: null, changed: false, shreds: true };
  if (action === "write") return { state: { value: argument }, reply: null, changed: true };
  const [expected, next] = argument as readonly [string | null, string];
  if (value.value !== expected) return { state, reply: false, changed: false };
  return { state: { value: next }, reply: true, changed: true };
}

/** Runs the turns of an invocation as user code would. */
export function runTurns(invocation: HostInvocation): HostResult {
  const { actor, keepStates, turns, id } = invocation;
  let state = fromPayload(invocation.state);
  const outcomes = turns.map(({ turnId, invocation: call }): TurnOutcome => {
    const argument = fromPayload(call.payload);
    const run = actor.type === "counter" ? counterStep : registerStep;
    const step = run(state, call.action, argument);
    state = step.state;
    return {
      turnId,
      failure: step.failed === true ? { code: "refused", message: "refused" } : undefined,
      reply: toPayload(step.reply),
      metadata: EMPTY_MAP,
      changed: step.changed,
      effects: step.shreds === true ? [{ kind: "delete", shred: true }] : [],
      ...(keepStates && step.changed ? { state: toPayload(step.state) } : {}),
    };
  });
  const changed = outcomes.some((outcome) => outcome.changed);
  const after = changed && state !== undefined ? toPayload(state) : undefined;
  return { id, outcomes, state: after, tags: undefined, failure: undefined };
}
