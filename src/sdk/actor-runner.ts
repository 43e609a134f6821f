import {
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  JSON_TYPE,
  type Payload,
  type StringMap,
} from "../domain/invocation.ts";
import type {
  HostInvocation,
  HostResult,
  HostTurn,
  TurnFailure,
  TurnOutcome,
} from "../domain/turn.ts";
import type { Actor, ActorContext } from "./actor.ts";
import { ActionError, type RunnerPort, TurnContext } from "./actor-context.ts";
import { fromPayload, jsonPayload, payloadText, toPayload } from "./json-payload.ts";

type AnyAction = (ctx: ActorContext, payload: unknown) => unknown;

/**
 * Runs the turns of one invocation in order, each on the state that the one before left. Never
 * rejects: a turn that throws is an outcome with a failure and leaves state, tags and effects as they
 * were. `changed` is found by comparing the state's JSON text. Several invocations may run at once.
 */
export async function runInvocation(
  actor: Actor,
  invocation: HostInvocation,
  port: RunnerPort,
): Promise<HostResult> {
  return runInvocationNow(actor, invocation, port);
}

/** The same without a promise, as long as no action makes one. Never throws. */
export function runInvocationNow(
  actor: Actor,
  invocation: HostInvocation,
  port: RunnerPort,
): HostResult | Promise<HostResult> {
  const { id, turns } = invocation;
  let kept: Kept;
  try {
    kept = new Kept(actor, invocation);
  } catch (error) {
    return { id, outcomes: [], state: undefined, tags: undefined, failure: failureOf(error) };
  }
  const outcomes: TurnOutcome[] = [];
  const runFrom = (first: number): HostResult | Promise<HostResult> => {
    for (let index = first; index < turns.length; index += 1) {
      const turn = turns[index];
      if (turn === undefined) break;
      const outcome = runTurn(actor, invocation, turn, kept, port);
      if (outcome instanceof Promise) {
        return outcome.then((late) => {
          outcomes.push(late);
          return runFrom(index + 1);
        });
      }
      outcomes.push(outcome);
    }
    return { id, outcomes, state: kept.payload(), tags: kept.changedTags(), failure: undefined };
  };
  return runFrom(0);
}

function runTurn(
  actor: Actor,
  invocation: HostInvocation,
  turn: HostTurn,
  kept: Kept,
  port: RunnerPort,
): TurnOutcome | Promise<TurnOutcome> {
  const name = turn.invocation.action;
  const ctx = new TurnContext(invocation, turn, port, kept.state, kept.tags);
  const failed = (error: unknown): TurnOutcome => failedOutcome(turn, ctx, kept, error);
  try {
    if (!Object.hasOwn(actor.actions, name)) {
      throw new ActionError("unimplemented", `actor type "${actor.type}" has no action "${name}"`);
    }
    // Called as a method, so that actions may call each other by `this`.
    const actions = actor.actions as Readonly<Record<string, AnyAction>>;
    const result = actions[name]?.(ctx, fromPayload(turn.invocation.payload));
    const finish = (value: unknown): TurnOutcome =>
      finishedOutcome(invocation, turn, ctx, kept, value);
    // An action that answers at once pays for no promise.
    return result instanceof Promise ? result.then(finish).catch(failed) : finish(result);
  } catch (error) {
    return failed(error);
  }
}

function finishedOutcome(
  invocation: HostInvocation,
  turn: HostTurn,
  ctx: TurnContext,
  kept: Kept,
  result: unknown,
): TurnOutcome {
  const reply = toPayload(result);
  const { tags, metadata } = ctx.close();
  const changed = kept.keep(ctx, tags);
  return {
    turnId: turn.turnId,
    failure: undefined,
    reply,
    metadata,
    changed,
    effects: ctx.effects,
    ...(changed && invocation.keepStates ? stateField(kept.payload()) : {}),
  };
}

function failedOutcome(turn: HostTurn, ctx: TurnContext, kept: Kept, error: unknown): TurnOutcome {
  ctx.close();
  kept.restore();
  return {
    turnId: turn.turnId,
    failure: failureOf(error),
    reply: EMPTY_PAYLOAD,
    metadata: EMPTY_MAP,
    changed: false,
    effects: [],
  };
}

function stateField(state: Payload | undefined): { readonly state?: Payload } {
  return state === undefined ? {} : { state };
}

/** The state and tags after the last turn that succeeded. */
class Kept {
  state: unknown;
  readonly #initial: () => unknown;
  readonly #base: Payload | undefined;
  readonly #baseTags: StringMap;
  /** JSON text of `state`, as it was read or written. */
  #text: string | undefined;
  /** Whether the actor has a state, or only what `initial` gives. */
  #present: boolean;
  #changed = false;
  tags: StringMap;

  constructor(actor: Actor, invocation: HostInvocation) {
    const { initial } = actor;
    this.#initial = () =>
      typeof initial === "function"
        ? (initial as (key: string) => unknown)(invocation.actor.key)
        : initial;
    this.#base = invocation.state;
    this.#baseTags = invocation.tags;
    this.tags = invocation.tags;
    this.#present = this.#base !== undefined;
    if (this.#base !== undefined && this.#base.type !== JSON_TYPE) {
      throw new ActionError(
        "failed_precondition",
        `the state of ${actor.type} is "${this.#base.type}" and not JSON`,
      );
    }
    this.#text =
      this.#base === undefined ? JSON.stringify(this.#initial()) : payloadText(this.#base);
    this.restore();
  }

  /** Gives up what the running turn did. */
  restore(): void {
    this.state = this.#text === undefined ? undefined : JSON.parse(this.#text);
  }

  /** Takes over what a turn did; true if state or tags differ from before. */
  keep(ctx: TurnContext, changedTags: StringMap | undefined): boolean {
    const removed = ctx.effects.some(({ kind }) => kind === "delete");
    // A copy, because the action may have kept a reference.
    if (changedTags !== undefined) this.tags = { ...changedTags };
    if (removed) {
      this.#text = JSON.stringify(this.#initial());
      this.#present = false;
      this.#changed = false;
      this.restore();
      return changedTags !== undefined;
    }
    const text = JSON.stringify(ctx.state) as string | undefined;
    const changedState = text !== this.#text && !this.#sameValue(text);
    this.state = ctx.state;
    if (changedState) {
      this.#text = text ?? "null";
      this.#present = true;
      this.#changed = true;
    }
    return changedState || changedTags !== undefined;
  }

  /** The state to be committed, or `undefined` if the actor has none. */
  payload(): Payload | undefined {
    if (!this.#present || this.#text === undefined) return undefined;
    return this.#changed ? jsonPayload(this.#text) : this.#base;
  }

  changedTags(): StringMap | undefined {
    return sameTags(this.tags, this.#baseTags) ? undefined : this.tags;
  }

  /** Another host may have written the same value with other spaces: that is no change. */
  #sameValue(text: string | undefined): boolean {
    if (text === undefined || this.#text === undefined || this.#changed) return false;
    const canonical = JSON.stringify(JSON.parse(this.#text));
    this.#text = canonical;
    return text === canonical;
  }
}

function sameTags(a: StringMap, b: StringMap): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

const LONGEST_CODE = 64;
const LONGEST_MESSAGE = 4_096;

/**
 * What the caller hears of a throw: the error's own `code`, else "unknown". Both texts are cut to a
 * bounded length, and are text that can be sent. Never throws.
 */
export function failureOf(thrown: unknown): TurnFailure {
  const coded = thrown instanceof Error && "code" in thrown && typeof thrown.code === "string";
  return {
    code: coded ? shown(thrown.code, LONGEST_CODE) : "unknown",
    message: shown(thrown instanceof Error ? thrown.message : thrown, LONGEST_MESSAGE),
  };
}

/** User code may throw anything, even what has no text. */
function shown(thrown: unknown, longest: number): string {
  try {
    return String(thrown).slice(0, longest).toWellFormed();
  } catch {
    return "";
  }
}
