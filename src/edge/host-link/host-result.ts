import type { Effect } from "../../domain/effect.ts";
import { isServerError } from "../../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD, type Payload, type StringMap } from "../../domain/invocation.ts";
import type { Limits } from "../../domain/limits.ts";
import type { HostInvocation, HostResult, TurnFailure, TurnOutcome } from "../../domain/turn.ts";
import { checkedActorId, checkName, checkRequestId, keyProblem } from "../gates/ids.ts";
import { checkedMetadata } from "../gates/metadata.ts";
import { refuse } from "../gates/refusal.ts";
import type { RawOutcome, RawResult, RawTagChange } from "./wire-result.ts";

/** What a result is checked against. */
export interface ResultRules {
  readonly limits: Limits;
  /** Payload type that the actor type registered for its state. */
  readonly stateType: string;
}

const LONGEST_CRON = 255;
const LONGEST_ZONE = 64;

/** Why the server refuses what a host answered. */
function refusal(reason: string, message: string): TurnFailure {
  return { code: "invalid_reply", message, reason };
}

/** A result of which nothing may be kept. */
function refusedResult(id: number, failure: TurnFailure): HostResult {
  return { id, outcomes: [], state: undefined, tags: undefined, failure };
}

/**
 * A host's answer to `invocation`, believed only as far as it is consistent. An outcome that must be
 * refused fails its turn alone if it changed nothing; else all turns, because the later ones ran on
 * its state.
 */
export function checkedResult(
  raw: RawResult,
  invocation: HostInvocation,
  rules: ResultRules,
): HostResult {
  const { id, turns } = invocation;
  if (raw.failure !== undefined) return refusedResult(id, raw.failure);
  const ordered =
    raw.outcomes.length === turns.length &&
    turns.every(({ turnId }, index) => raw.outcomes[index]?.turnId === turnId);
  if (!ordered) {
    return refusedResult(
      id,
      refusal("HOST_REPLY_INVALID", "the host answered other turns than it was given"),
    );
  }
  const outcomes: TurnOutcome[] = [];
  for (const outcome of raw.outcomes) {
    const problem = outcomeProblem(outcome, rules);
    if (problem !== undefined && outcome.changed) return refusedResult(id, problem);
    outcomes.push(problem === undefined ? believed(outcome) : failed(outcome, problem));
  }
  const problem = stateProblem(raw, outcomes, invocation.keepStates, rules);
  if (problem !== undefined) return refusedResult(id, problem);
  try {
    const tags =
      raw.tags === undefined ? undefined : changedTags(raw.tags, invocation.tags, rules.limits);
    // Tags alone may have changed; the state is then what it was.
    return {
      id,
      outcomes,
      state: raw.state ?? unchangedState(outcomes, invocation),
      tags,
      failure: undefined,
    };
  } catch (error) {
    return refusedResult(id, refusal("HOST_TAGS_INVALID", messageOf(error)));
  }
}

function unchangedState(
  outcomes: readonly TurnOutcome[],
  { state }: HostInvocation,
): Payload | undefined {
  return outcomes.some(deletes) ? undefined : state;
}

function believed({
  turnId,
  reply,
  failure,
  changed,
  effects,
  state,
  metadata,
}: RawOutcome): TurnOutcome {
  if (failure !== undefined) return failed({ turnId }, failure);
  const outcome = { turnId, failure, reply, metadata, changed, effects };
  return state === undefined ? outcome : { ...outcome, state };
}

function failed({ turnId }: { readonly turnId: number }, failure: TurnFailure): TurnOutcome {
  return {
    turnId,
    failure,
    reply: EMPTY_PAYLOAD,
    metadata: EMPTY_MAP,
    changed: false,
    effects: [],
  };
}

function outcomeProblem(
  outcome: RawOutcome,
  { limits, stateType }: ResultRules,
): TurnFailure | undefined {
  if (outcome.fanOut) {
    return refusal("HOST_FANOUT", `the turn asked for more than ${limits.effectsPerTurn} effects`);
  }
  if (outcome.reply.data.length > limits.messageBytes) {
    return refusal("HOST_REPLY_TOO_LARGE", `the reply is larger than ${limits.messageBytes} bytes`);
  }
  if (outcome.state !== undefined && outcome.state.type !== stateType) return wrongType();
  if (outcome.failure !== undefined) {
    return outcome.changed
      ? refusal("HOST_REPLY_INVALID", "a failed turn changed the state")
      : undefined;
  }
  try {
    if (outcome.metadata !== EMPTY_MAP) checkedMetadata(outcome.metadata, limits);
    for (const effect of outcome.effects) checkEffect(effect, limits);
    return undefined;
  } catch (error) {
    return refusal("HOST_REPLY_INVALID", messageOf(error));
  }
}

function stateProblem(
  raw: RawResult,
  outcomes: readonly TurnOutcome[],
  keepStates: boolean,
  { stateType }: ResultRules,
): TurnFailure | undefined {
  if (raw.state !== undefined && raw.state.type !== stateType) return wrongType();
  const changed = outcomes.filter((outcome) => outcome.changed);
  if (changed.length === 0 && raw.tags !== undefined && !outcomes.some(checkpoints)) {
    return refusal("HOST_REPLY_INVALID", "the tags changed in turns that changed nothing");
  }
  if (changed.length === 0) return undefined;
  // Tags alone may have changed.
  if (raw.state === undefined && raw.tags === undefined && !outcomes.some(deletes)) {
    return refusal(
      "HOST_STATE_MISSING",
      "a turn changed the state, and the result does not have it",
    );
  }
  // The last one's state is the result's; the others must have been kept.
  const kept = keepStates && raw.state !== undefined;
  if (kept && changed.slice(0, -1).some(({ state }) => state === undefined)) {
    return refusal(
      "HOST_STATE_MISSING",
      "the states between the turns were asked for and are missing",
    );
  }
  return undefined;
}

function deletes({ effects }: TurnOutcome): boolean {
  return effects.some(({ kind }) => kind === "delete");
}

function checkpoints({ effects }: TurnOutcome): boolean {
  return effects.some(({ kind }) => kind === "checkpoint");
}

function wrongType(): TurnFailure {
  return refusal("STATE_TYPE_MISMATCH", "the state is of another type than was registered");
}

/** The tags after the change. Throws `ServerError` if they are too many or too large. */
function changedTags(
  { set, remove, replace }: RawTagChange,
  before: StringMap,
  limits: Limits,
): StringMap {
  const tags: Record<string, string> = replace ? {} : { ...before };
  for (const name of remove) delete tags[name];
  Object.assign(tags, set);
  return checkedMetadata(tags, limits);
}

/** Throws `ServerError` if the effect names something that cannot exist or be kept. */
function checkEffect(effect: Effect, limits: Limits): void {
  switch (effect.kind) {
    case "forward":
    case "pipe":
      checkTarget(effect);
      return;
    case "send":
      checkTarget(effect);
      checkRequestId(effect.requestId);
      checkedMetadata(effect.metadata, limits);
      checkPayload(effect.payload, limits);
      if (!(effect.delayMs >= 0)) throw refuse("DEADLINE");
      return;
    case "broadcast":
      checkName(effect.channel);
      if (effect.action !== "") checkName(effect.action);
      checkedMetadata(effect.metadata, limits);
      checkPayload(effect.payload, limits);
      return;
    case "schedule":
      checkKey(effect.name);
      checkName(effect.action);
      checkPayload(effect.payload, limits);
      checkTime(effect.when);
      return;
    case "cancel":
      checkKey(effect.name);
      return;
    case "checkpoint":
    case "delete":
    case "unsupported":
      return;
  }
}

function checkTarget(effect: Extract<Effect, { kind: "forward" | "pipe" | "send" }>): void {
  const { system, type, key } = effect.target;
  checkedActorId(system, type, key);
  checkName(effect.action);
}

function checkKey(name: string): void {
  const problem = keyProblem(name);
  if (problem !== undefined) throw refuse(problem);
}

function checkPayload({ data }: Payload, limits: Limits): void {
  if (data.length > limits.messageBytes) throw refuse("MALFORMED");
}

function checkTime(when: Extract<Effect, { kind: "schedule" }>["when"]): void {
  switch (when.kind) {
    case "at":
      if (!(when.epochMs >= 0)) throw refuse("TIMESTAMP");
      return;
    case "delay":
      if (!(when.ms >= 0)) throw refuse("TIMESTAMP");
      return;
    case "every":
      if (!(when.ms >= 1)) throw refuse("TIMESTAMP");
      return;
    case "cron":
      if (when.cron.length > LONGEST_CRON || when.timeZone.length > LONGEST_ZONE)
        throw refuse("TIMESTAMP");
      return;
  }
}

function messageOf(error: unknown): string {
  return isServerError(error) ? error.message : "the answer of the host cannot be read";
}
