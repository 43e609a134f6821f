import type { ActorId, ActorTypeSpec } from "../../domain/actor.ts";
import type { Effect } from "../../domain/effect.ts";
import type { Caller, Payload, StringMap } from "../../domain/invocation.ts";
import type {
  HostInvocation,
  HostResult,
  HostTurn,
  TurnFailure,
  TurnOutcome,
} from "../../domain/turn.ts";

/**
 * What goes between the node's thread and a thread of actors: plain tuples, one frame per tick and
 * direction. A tuple clones faster than an object with names, and bytes clone as they are.
 */

/** To the thread: the modules to load. */
export interface LoadFrame {
  readonly kind: "load";
  readonly modules: readonly string[];
  readonly system: string;
}

/** To the thread: what one tick brought. */
export interface WorkFrame {
  readonly kind: "work";
  readonly invocations: readonly InvocationTuple[];
  readonly cancel: readonly number[];
  readonly replies: readonly CallReply[];
  /** Answered by the same number, or 0 for none. */
  readonly ping: number;
}

/** From the thread: what became of loading. */
export interface LoadedFrame {
  readonly kind: "loaded";
  readonly types: readonly ActorTypeSpec[];
  /** One line each; no type is registered if there are any. */
  readonly problems: readonly string[];
}

/** From the thread: what one tick brought. */
export interface DoneFrame {
  readonly kind: "done";
  readonly results: readonly ResultTuple[];
  readonly calls: readonly CallTuple[];
  readonly pong: number;
  /** Errors of user code that no turn took: thrown in timers, rejected promises. */
  readonly strays: readonly string[];
}

export type FrameToThread = LoadFrame | WorkFrame;
export type FrameFromThread = LoadedFrame | DoneFrame;

type TurnTuple = readonly [
  turnId: number,
  attempt: number,
  action: string,
  payload: PayloadTuple,
  requestId: string,
  metadata: StringMap,
  caller: Caller,
  remainingMs: number,
];
type PayloadTuple = readonly [type: string, data: Uint8Array];
export type InvocationTuple = readonly [
  id: number,
  actor: ActorId,
  state: PayloadTuple | undefined,
  revision: number,
  epoch: number,
  tags: StringMap,
  keepStates: boolean,
  turns: readonly TurnTuple[],
];
type OutcomeTuple = readonly [
  turnId: number,
  failure: TurnFailure | undefined,
  reply: PayloadTuple,
  metadata: StringMap,
  changed: boolean,
  effects: readonly Effect[],
  state: PayloadTuple | undefined,
];
export type ResultTuple = readonly [
  id: number,
  failure: TurnFailure | undefined,
  state: PayloadTuple | undefined,
  tags: StringMap | undefined,
  outcomes: readonly OutcomeTuple[],
];
/** A call that user code makes to another actor in the name of a running turn. */
export type CallTuple = readonly [
  callId: number,
  turnId: number,
  target: ActorId,
  action: string,
  payload: PayloadTuple,
  metadata: StringMap,
  requestId: string,
  timeoutMs: number,
];
/** The answer to a call: a payload or why there is none. */
export type CallReply = readonly [
  callId: number,
  reply: PayloadTuple | undefined,
  failure: TurnFailure | undefined,
];

/** Cloning a view clones the whole buffer behind it, so a view of part of one is copied out first. */
export function packPayload({ type, data }: Payload): PayloadTuple {
  return [type, data.byteLength === data.buffer.byteLength ? data : data.slice()];
}

export function unpackPayload([type, data]: PayloadTuple): Payload {
  return { type, data };
}

export function packInvocation(invocation: HostInvocation, now: number): InvocationTuple {
  const { id, actor, state, revision, epoch, tags, keepStates } = invocation;
  const turns = invocation.turns.map(({ turnId, attempt, invocation: call }): TurnTuple => {
    const payload = packPayload(call.payload);
    const leftMs = call.deadlineMs - now;
    return [
      turnId,
      attempt,
      call.action,
      payload,
      call.requestId,
      call.metadata,
      call.caller,
      leftMs,
    ];
  });
  const packed = state === undefined ? undefined : packPayload(state);
  return [id, actor, packed, revision, epoch, tags, keepStates, turns];
}

/** `now` is the clock of the thread, in which the deadlines of the result are given. */
export function unpackInvocation(tuple: InvocationTuple, now: number): HostInvocation {
  const [id, actor, state, revision, epoch, tags, keepStates, turns] = tuple;
  return {
    id,
    actor,
    state: state === undefined ? undefined : unpackPayload(state),
    revision,
    epoch,
    tags,
    keepStates,
    turns: turns.map((turn) => unpackTurn(turn, actor, now)),
  };
}

function unpackTurn(turn: TurnTuple, actor: ActorId, now: number): HostTurn {
  const [turnId, attempt, action, payload, requestId, metadata, caller, remainingMs] = turn;
  return {
    turnId,
    attempt,
    invocation: {
      actor,
      action,
      payload: unpackPayload(payload),
      requestId,
      metadata,
      caller,
      chain: [],
      deadlineMs: now + remainingMs,
      trace: undefined,
      hops: 0,
    },
  };
}

export function packResult({ id, failure, state, tags, outcomes }: HostResult): ResultTuple {
  const packed = outcomes.map((outcome): OutcomeTuple => {
    const { turnId, reply, metadata, changed, effects, state: after } = outcome;
    const kept = after === undefined ? undefined : packPayload(after);
    return [turnId, outcome.failure, packPayload(reply), metadata, changed, effects, kept];
  });
  return [id, failure, state === undefined ? undefined : packPayload(state), tags, packed];
}

export function unpackResult([id, failure, state, tags, outcomes]: ResultTuple): HostResult {
  return {
    id,
    failure,
    state: state === undefined ? undefined : unpackPayload(state),
    tags,
    outcomes: outcomes.map(unpackOutcome),
  };
}

function unpackOutcome(tuple: OutcomeTuple): TurnOutcome {
  const [turnId, failure, reply, metadata, changed, effects, state] = tuple;
  const base = { turnId, failure, reply: unpackPayload(reply), metadata, changed, effects };
  return state === undefined ? base : { ...base, state: unpackPayload(state) };
}
