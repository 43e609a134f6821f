import type { ActorTypeSpec } from "../../domain/actor.ts";
import type { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP, type Payload, type Reply, type StringMap } from "../../domain/invocation.ts";
import type { HostResult, TurnOutcome } from "../../domain/turn.ts";
import type { Answer, Call } from "./call.ts";
import { outcomes } from "./outcomes.ts";
import type { ActorState, Batch } from "./staged.ts";

/** What a turn may do to state and effects. */
export interface TurnLimits {
  readonly stateBytes: number;
  readonly effectsPerTurn: number;
  /** Largest revision that can be counted exactly. */
  readonly maxRevision: number;
  /** Actors have seeds here, so that what is left of one can be made unreadable. */
  readonly shreds: boolean;
}

/** Longest payload type in characters: a type URL is far shorter. */
const MAX_TYPE = 255;

/** Whether a turn takes a revision: it changed something, or asked for one. */
function takesRevision(outcome: TurnOutcome): boolean {
  return outcome.failure === undefined && (outcome.changed || outcome.effects.length > 0);
}

/** Whether a turn that did not fail removes the state, and whether it leaves nothing to read. */
function deletes({ failure, effects }: TurnOutcome): boolean {
  return failure === undefined && effects.some((effect) => effect.kind === "delete");
}

function shreds({ failure, effects }: TurnOutcome): boolean {
  return (
    failure === undefined && effects.some((effect) => effect.kind === "delete" && effect.shred)
  );
}

/** The first reason why nothing of this result may be kept. */
function refusal(
  calls: readonly Call[],
  result: HostResult,
  tip: ActorState,
  spec: ActorTypeSpec,
  limits: TurnLimits,
): ServerError | undefined {
  if (result.failure !== undefined) return outcomes.hostFailed(result.failure);
  if (result.outcomes.length !== calls.length) {
    return outcomes.invalidReply("the host answered another number of turns than it was given");
  }
  let revisions = 0;
  for (let i = 0; i < calls.length; i += 1) {
    const call = calls[i];
    const outcome = result.outcomes[i];
    if (call === undefined || outcome === undefined || outcome.turnId !== call.id) {
      return outcomes.invalidReply("the host answered the turns in another order");
    }
    if (takesRevision(outcome)) revisions += 1;
    const refused = refusedOutcome(call, outcome, spec, limits);
    if (refused !== undefined) return refused;
  }
  if (tip.revision + revisions > limits.maxRevision) return outcomes.exhausted();
  return result.state === undefined ? undefined : refusedState(result.state, limits);
}

function refusedState(
  { type, data }: Payload,
  { stateBytes }: TurnLimits,
): ServerError | undefined {
  if (type.length > MAX_TYPE) return outcomes.invalidReply("the type of the state is too long");
  return data.length > stateBytes ? outcomes.stateTooLarge(data.length, stateBytes) : undefined;
}

function refusedOutcome(
  { invocation: { action } }: Call,
  outcome: TurnOutcome,
  { stateful, actions }: ActorTypeSpec,
  limits: TurnLimits,
): ServerError | undefined {
  if (outcome.reply.type.length > MAX_TYPE)
    return outcomes.invalidReply("a reply type is too long");
  if (!takesRevision(outcome)) return undefined;
  if (!stateful) return outcomes.invalidReply("an action of a stateless type changed something");
  if (actions.some(({ name, readOnly }) => readOnly && name === action)) {
    return outcomes.invalidReply("a read-only action changed the state");
  }
  return refusedEffect(outcome, limits);
}

function refusedEffect(outcome: TurnOutcome, limits: TurnLimits): ServerError | undefined {
  if (outcome.effects.length > limits.effectsPerTurn) {
    return outcomes.invalidReply("the turn asked for too many effects");
  }
  for (const effect of outcome.effects) {
    if (effect.kind === "checkpoint") continue;
    if (effect.kind === "delete" && !effect.shred) continue;
    if (effect.kind === "delete" && limits.shreds) continue;
    if (effect.kind === "delete") return outcomes.cannotShred();
    return outcomes.unsupported(effect.kind === "unsupported" ? effect.name : effect.kind);
  }
  return undefined;
}

/** The state, after the last turn that touched it. */
function finalState(result: HostResult, tip: ActorState): Payload | undefined {
  for (let i = result.outcomes.length - 1; i >= 0; i -= 1) {
    const outcome = result.outcomes[i];
    if (outcome === undefined || outcome.failure !== undefined) continue;
    if (deletes(outcome)) return undefined;
    if (outcome.changed) return result.state;
  }
  return tip.state;
}

/**
 * Books what a host answered to an invocation of `calls` into `batch`: revisions, the answers that
 * wait for the commit, recorded replies and history. Returns the reason if nothing may be kept; then
 * `batch` is as it was.
 */
export function bookResult(
  batch: Batch,
  calls: readonly Call[],
  result: HostResult,
  spec: ActorTypeSpec,
  limits: TurnLimits,
): ServerError | undefined {
  const tip = batch.tip;
  const refused = refusal(calls, result, tip, spec, limits);
  if (refused !== undefined) return refused;
  const tags = result.tags ?? (result.outcomes.some(deletes) ? EMPTY_MAP : tip.tags);
  let revision = tip.revision;
  for (let i = 0; i < calls.length; i += 1) {
    const call = calls[i] as Call;
    const outcome = result.outcomes[i] as TurnOutcome;
    if (takesRevision(outcome)) {
      revision += 1;
      if (shreds(outcome)) batch.shred(call, revision);
      if (spec.history.kind !== "none") {
        const state = deletes(outcome) ? undefined : (outcome.state ?? result.state);
        batch.history.push({ revision, state, tags, action: call.invocation.action });
        batch.bytes += state?.data.length ?? 0;
      }
    }
    bookAnswer(batch, answerOf(call, outcome, revision), spec.durability === "commit");
  }
  batch.turns += calls.length;
  if (revision !== tip.revision) batch.advance({ state: finalState(result, tip), tags, revision });
  return undefined;
}

function answerOf(call: Call, outcome: TurnOutcome, revision: number): Answer {
  if (outcome.failure !== undefined) {
    return { kind: "reject", call, error: outcomes.hostFailed(outcome.failure) };
  }
  return {
    kind: "reply",
    call,
    reply: makeReply(outcome.reply, revision, outcome.metadata),
  };
}

/** A reply as the first caller hears it. */
export function makeReply(payload: Payload, revision: number, metadata: StringMap): Reply {
  return { payload, revision, durable: true, replayed: false, metadata };
}

/** Adds an answer and, where the call has a request id, the record that makes a repeat harmless. */
export function bookAnswer(batch: Batch, answer: Answer, record: boolean): void {
  const { call } = answer;
  call.phase = call.phase === "done" ? "done" : "staged";
  batch.answers.push(answer);
  batch.bytes += call.bytes;
  if (answer.kind === "reply") batch.bytes += answer.reply.payload.data.length;
  const { requestId } = call.invocation;
  if (!record || requestId === "" || answer.kind !== "reply" || call.digest === undefined) return;
  const { reply } = answer;
  batch.replies.push({ requestId, digest: call.digest, revision: reply.revision, reply });
}
