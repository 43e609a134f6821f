import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import type { ActorId, ActorTypeSpec, HistoryPolicy } from "../domain/actor.ts";
import { type Caller, EMPTY_PAYLOAD, type Payload, type StringMap } from "../domain/invocation.ts";
import type {
  HostInvocation,
  HostResult,
  HostTurn,
  TurnFailure,
  TurnOutcome,
} from "../domain/turn.ts";
import {
  ActorKind,
  type ActorTypeSchema,
  Durability,
  type Invocation,
  type InvocationResult,
  InvocationResultSchema,
  Reads,
  type Turn,
  type TurnOutcomeSchema,
} from "../gen/troupe/v1/host_pb.ts";
import type {
  Caller as WireCaller,
  Payload as WirePayload,
} from "../gen/troupe/v1/invocation_pb.ts";
import { Caller_Kind } from "../gen/troupe/v1/invocation_pb.ts";
import { failureOf } from "./actor-runner.ts";
import { effectMessage } from "./effect-message.ts";

const CALLER_KINDS: Readonly<Partial<Record<Caller_Kind, Caller["kind"]>>> = {
  [Caller_Kind.CLIENT]: "client",
  [Caller_Kind.HOST]: "host",
  [Caller_Kind.PEER]: "peer",
  [Caller_Kind.ADMIN]: "admin",
  [Caller_Kind.SYSTEM]: "system",
};
const KINDS = {
  named: ActorKind.NAMED,
  unnamed: ActorKind.UNNAMED,
  pooled: ActorKind.POOLED,
  task: ActorKind.TASK,
  projection: ActorKind.PROJECTION,
} as const;

/** Remembers the token of each turn, under which its calls to other actors are accepted. */
export type TurnTokens = WeakMap<HostTurn, string>;

/** The invocation in the words of the domain; deadlines on the clock that `now` is read from. */
export function hostInvocation(
  message: Invocation,
  now: number,
  tokens: TurnTokens,
): HostInvocation {
  const actor = actorId(message.actor);
  return {
    id: Number(message.id),
    actor,
    state: message.state === undefined ? undefined : payload(message.state),
    revision: Number(message.revision),
    epoch: Number(message.epoch),
    tags: message.tags,
    turns: message.turns.map((turn) => hostTurn(turn, actor, now, tokens)),
    keepStates: message.keepStates,
  };
}

function hostTurn(turn: Turn, actor: ActorId, now: number, tokens: TurnTokens): HostTurn {
  const hostTurn: HostTurn = {
    turnId: Number(turn.turnId),
    attempt: turn.attempt,
    invocation: {
      actor,
      action: turn.action,
      payload: payload(turn.payload),
      requestId: turn.requestId,
      metadata: turn.metadata,
      caller: caller(turn.caller),
      chain: [],
      deadlineMs: now + (turn.timeout === undefined ? 0 : durationMs(turn.timeout)),
      trace: undefined,
      hops: 0,
    },
  };
  tokens.set(hostTurn, turn.turnToken);
  return hostTurn;
}

function actorId(id: { system: string; type: string; key: string } | undefined): ActorId {
  return { system: id?.system ?? "", type: id?.type ?? "", key: id?.key ?? "" };
}

function payload(message: WirePayload | undefined): Payload {
  return message === undefined ? EMPTY_PAYLOAD : { type: message.type, data: message.data };
}

function caller(message: WireCaller | undefined): Caller {
  const known = {
    kind: CALLER_KINDS[message?.kind ?? Caller_Kind.ANONYMOUS] ?? "anonymous",
    id: message?.id ?? "",
    roles: message?.roles ?? [],
  };
  return message?.actor === undefined ? known : { ...known, actor: actorId(message.actor) };
}

/**
 * An encoded `InvocationResult`; `before` are the tags that the invocation came with. A result that
 * the protocol cannot carry, say for a delay that is no number, becomes a failure of the invocation.
 */
export function encodeResult(result: HostResult, before: StringMap): Uint8Array {
  try {
    return toBinary(InvocationResultSchema, resultMessage(result, before));
  } catch (error) {
    const failed = create(InvocationResultSchema, {
      id: BigInt(result.id),
      error: failureOf(error),
    });
    return toBinary(InvocationResultSchema, failed);
  }
}

function resultMessage(result: HostResult, before: StringMap): InvocationResult {
  return create(InvocationResultSchema, {
    id: BigInt(result.id),
    outcomes: result.outcomes.map(outcomeMessage),
    ...(result.state !== undefined && { state: result.state }),
    ...(result.tags !== undefined && { tags: tagChange(result.tags, before) }),
    ...(result.failure !== undefined && { error: textsOf(result.failure) }),
  });
}

function outcomeMessage(outcome: TurnOutcome): MessageInitShape<typeof TurnOutcomeSchema> {
  const turnId = BigInt(outcome.turnId);
  if (outcome.failure !== undefined) return { turnId, error: textsOf(outcome.failure) };
  const { reply, changed, effects, metadata, state } = outcome;
  return {
    turnId,
    changed,
    metadata,
    effects: effects.map(effectMessage),
    ...(reply !== EMPTY_PAYLOAD && { reply }),
    ...(state !== undefined && { state }),
  };
}

/** Only what the protocol has fields for. */
function textsOf({ code, message }: TurnFailure): TurnFailure {
  return { code, message: message.toWellFormed() };
}

function tagChange(
  after: StringMap,
  before: StringMap,
): { set: StringMap & Record<string, string>; remove: string[] } {
  const set = Object.fromEntries(
    Object.entries(after).filter(([name, value]) => before[name] !== value),
  );
  return { set, remove: Object.keys(before).filter((name) => !Object.hasOwn(after, name)) };
}

/** What is registered for an actor type. */
export function typeMessage(spec: ActorTypeSpec): MessageInitShape<typeof ActorTypeSchema> {
  return {
    system: spec.system,
    type: spec.type,
    kind: KINDS[spec.kind],
    stateless: !spec.stateful,
    actions: spec.actions.map(({ name, readOnly }) => ({ name, readOnly })),
    openActions: spec.openActions,
    durability: spec.durability === "snapshot" ? Durability.SNAPSHOT : Durability.COMMIT,
    deactivationTimeout: durationFromMs(spec.deactivationTimeoutMs),
    reentrant: spec.reentrant,
    reads: spec.reads === "leased" ? Reads.LEASED : Reads.FENCED,
    history: historyMessage(spec.history),
    stateType: spec.stateType,
    mailboxCalls: spec.mailboxCalls,
    mailboxBytes: BigInt(spec.mailboxBytes),
  };
}

function historyMessage(
  history: HistoryPolicy,
): NonNullable<MessageInitShape<typeof ActorTypeSchema>["history"]> {
  switch (history.kind) {
    case "none":
      return { keep: { case: undefined } };
    case "last":
      return { keep: { case: "last", value: history.count } };
    case "duration":
      return { keep: { case: "duration", value: durationFromMs(history.ms) } };
    case "all":
      return { keep: { case: "all", value: true } };
  }
}
