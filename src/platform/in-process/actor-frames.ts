import type { ActorId, ActorTypeSpec } from "../../domain/actor.ts";
import type { Effect } from "../../domain/effect.ts";
import { type Caller, EMPTY_MAP, type Payload, type StringMap } from "../../domain/invocation.ts";
import type {
  HostInvocation,
  HostResult,
  HostTurn,
  TurnFailure,
  TurnOutcome,
} from "../../domain/turn.ts";
import { keptPayload, PayloadSpace, type PlacedPayload, placedPayload } from "./payload-space.ts";

/**
 * What goes between the node's thread and a thread of actors: one frame per tick and direction. Turns
 * and results travel as JSON text with their payloads in one buffer that moves, because cloning them
 * as objects costs several times as much; what user code made is cloned, so that it arrives as it is.
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
  /** Tuples of invocations, as JSON text. */
  readonly invocations: string;
  /** The payloads of the invocations. */
  readonly bytes: ArrayBuffer;
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
  /** Tuples of results, as JSON text. */
  readonly results: string;
  /** The payloads of the results. */
  readonly bytes: ArrayBuffer;
  /** Tags, metadata and effects of the results, to which the tuples point. */
  readonly values: readonly unknown[];
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
  payload: PlacedPayload,
  requestId: string,
  metadata: StringMap,
  caller: Caller,
  remainingMs: number,
];
type InvocationTuple = readonly [
  id: number,
  actor: ActorId,
  state: PlacedPayload | 0,
  revision: number,
  epoch: number,
  tags: StringMap,
  keepStates: boolean,
  turns: readonly TurnTuple[],
];
/** The place of a value among the frame's, counted from 1; 0 for none. */
type ValuePlace = number;
type OutcomeTuple = readonly [
  turnId: number,
  failure: TurnFailure | 0,
  reply: PlacedPayload,
  metadata: ValuePlace,
  changed: boolean,
  effects: ValuePlace,
  state: PlacedPayload | 0,
];
type ResultTuple = readonly [
  id: number,
  failure: TurnFailure | 0,
  state: PlacedPayload | 0,
  tags: ValuePlace,
  outcomes: readonly OutcomeTuple[],
];
type PayloadTuple = readonly [type: string, data: Uint8Array];
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

/** `now` is the clock in which the deadlines of the invocations are given. */
export function packInvocations(
  invocations: readonly HostInvocation[],
  now: number,
): Pick<WorkFrame, "invocations" | "bytes"> {
  const space = new PayloadSpace();
  const tuples = invocations.map((invocation): InvocationTuple => {
    const { id, actor, state, revision, epoch, tags, keepStates } = invocation;
    const turns = invocation.turns.map((turn) => packTurn(turn, space, now));
    const placed = state === undefined ? 0 : space.place(state);
    return [id, actor, placed, revision, epoch, tags, keepStates, turns];
  });
  return { invocations: JSON.stringify(tuples), bytes: space.take() };
}

function packTurn(turn: HostTurn, space: PayloadSpace, now: number): TurnTuple {
  const { turnId, attempt, invocation: call } = turn;
  const { action, requestId, metadata, caller } = call;
  const payload = space.place(call.payload);
  return [turnId, attempt, action, payload, requestId, metadata, caller, call.deadlineMs - now];
}

/** `now` is the clock of the thread, in which the deadlines of the result are given. */
export function unpackInvocations(
  { invocations, bytes }: Pick<WorkFrame, "invocations" | "bytes">,
  now: number,
): readonly HostInvocation[] {
  const tuples = JSON.parse(invocations) as readonly InvocationTuple[];
  return tuples.map(([id, actor, state, revision, epoch, tags, keepStates, turns]) => ({
    id,
    actor,
    state: state === 0 ? undefined : placedPayload(bytes, state),
    revision,
    epoch,
    tags,
    keepStates,
    turns: turns.map((turn) => unpackTurn(turn, actor, bytes, now)),
  }));
}

function unpackTurn(turn: TurnTuple, actor: ActorId, bytes: ArrayBuffer, now: number): HostTurn {
  const [turnId, attempt, action, payload, requestId, metadata, caller, remainingMs] = turn;
  return {
    turnId,
    attempt,
    invocation: {
      actor,
      action,
      payload: placedPayload(bytes, payload),
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

/** Puts what user code made where it is cloned. */
class Values {
  readonly list: unknown[] = [];

  place(value: unknown): ValuePlace {
    return this.list.push(value);
  }
}

export function packResults(
  results: readonly HostResult[],
): Pick<DoneFrame, "results" | "bytes" | "values"> {
  const space = new PayloadSpace();
  const values = new Values();
  const placed = (payload: Payload | undefined): PlacedPayload | 0 =>
    payload === undefined ? 0 : space.place(payload);
  const tuples = results.map(({ id, failure, state, tags, outcomes }): ResultTuple => {
    const packed = outcomes.map((outcome): OutcomeTuple => {
      const { turnId, reply, metadata, changed, effects } = outcome;
      const metadataPlace = metadata === EMPTY_MAP ? 0 : values.place(metadata);
      const effectsPlace = effects.length === 0 ? 0 : values.place(effects);
      const after = placed(outcome.state);
      const failed = outcome.failure ?? 0;
      return [turnId, failed, space.place(reply), metadataPlace, changed, effectsPlace, after];
    });
    const tagsPlace = tags === undefined ? 0 : values.place(tags);
    return [id, failure ?? 0, placed(state), tagsPlace, packed];
  });
  return { results: JSON.stringify(tuples), bytes: space.take(), values: values.list };
}

export function unpackResults({
  results,
  bytes,
  values,
}: Pick<DoneFrame, "results" | "bytes" | "values">): readonly HostResult[] {
  const tuples = JSON.parse(results) as readonly ResultTuple[];
  return tuples.map(([id, failure, state, tags, outcomes]) => ({
    id,
    failure: failure === 0 ? undefined : failure,
    state: state === 0 ? undefined : keptPayload(bytes, state),
    tags: values[tags - 1] as StringMap | undefined,
    outcomes: outcomes.map((outcome) => unpackOutcome(outcome, bytes, values)),
  }));
}

function unpackOutcome(
  tuple: OutcomeTuple,
  bytes: ArrayBuffer,
  values: readonly unknown[],
): TurnOutcome {
  const [turnId, failure, reply, metadata, changed, effects, state] = tuple;
  const base = {
    turnId,
    failure: failure === 0 ? undefined : failure,
    reply: placedPayload(bytes, reply),
    metadata: (values[metadata - 1] as StringMap | undefined) ?? EMPTY_MAP,
    changed,
    effects: (values[effects - 1] as readonly Effect[] | undefined) ?? NO_EFFECTS,
  };
  return state === 0 ? base : { ...base, state: placedPayload(bytes, state) };
}

const NO_EFFECTS: readonly Effect[] = [];
