import type { ActorId, Durability, HistoryPolicy } from "../domain/actor.ts";
import type { ScheduleTime } from "../domain/effect.ts";
import type { Caller, CallSignal, Payload, StringMap } from "../domain/invocation.ts";

export type { ActorId, CallSignal, Payload, StringMap };

/** Another actor: `"type/key"` in the same system (the key may hold `/`), or its full address. */
export type ActorTarget =
  | string
  | { readonly system?: string; readonly type: string; readonly key: string };

/** Settings of a call from a turn to another actor. */
export interface CallOptions {
  /** Never longer than what remains of the turn itself. */
  readonly timeoutMs?: number;
  /** The same id gets the first answer again. */
  readonly requestId?: string;
  readonly metadata?: StringMap;
}

/** Settings of an asynchronous invocation. */
export interface SendOptions {
  readonly delayMs?: number;
  readonly requestId?: string;
  readonly metadata?: StringMap;
}

/**
 * What an action has at hand while it runs. `state` and `tags` are changed in place or assigned;
 * they commit with the effects when the action returns, and are as before if it throws.
 */
export interface ActorContext<State = unknown> {
  readonly system: string;
  readonly type: string;
  readonly key: string;
  readonly action: string;
  /** JSON values; `initial` before the first commit. */
  state: State;
  tags: Record<string, string>;
  /** Revision of the state that the first turn of the invocation began with. */
  readonly revision: number;
  /** Who calls, as the server verified it. */
  readonly caller: Caller;
  readonly metadata: StringMap;
  /** Metadata that goes back with the reply. */
  readonly replyMetadata: Record<string, string>;
  readonly requestId: string;
  /** The same in every attempt at this call: give it to services that deduplicate. */
  readonly idempotencyKey: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Milliseconds until nobody waits for the answer any more. */
  readonly remainingMs: number;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: CallSignal;
  /** Ends the turn with an error of this code; state, tags and effects stay as they were. */
  fail(code: string, message: string): never;
  /** Calls another actor and waits. Rejects with an error that has a `code`. */
  call(
    target: ActorTarget,
    action: string,
    input?: unknown,
    options?: CallOptions,
  ): Promise<unknown>;
  /** Asks for an asynchronous invocation that leaves with the commit. */
  send(target: ActorTarget, action: string, input?: unknown, options?: SendOptions): void;
  /** Another actor's action gets the original payload; its reply is the caller's. */
  forward(target: ActorTarget, action: string): void;
  /** This action's reply becomes another action's input; its reply is the caller's. */
  pipe(target: ActorTarget, action: string): void;
  /** To every subscriber of a channel; an `action` of "" keeps each subscription's own. */
  broadcast(channel: string, action: string, input?: unknown, metadata?: StringMap): void;
  /** Sets a durable timer of this actor; the same name replaces. */
  schedule(
    name: string,
    when: ScheduleTime,
    action: string,
    input?: unknown,
    missed?: "fire_once" | "skip" | "all",
  ): void;
  /** Takes a durable timer back. */
  cancel(name: string): void;
  /** Takes a revision even if nothing changed. */
  checkpoint(): void;
  /**
   * Removes the state with the commit. `shred` asks for more: nothing that the actor was before this
   * turn can be read again, recorded replies and past states included. The turn's own reply is kept.
   */
  delete(options?: { readonly shred?: boolean }): void;
}

/**
 * One action: its result is the reply, a JSON value or a `Payload`; `undefined` is an empty reply. A
 * throw fails the call; the error's `code`, if it has one, reaches the caller.
 */
export type Action<State> = {
  // Written as a method, so that an action may name the type of its input.
  run(ctx: ActorContext<State>, input: never): unknown;
}["run"];

/** An actor type with its settings. What is left out takes the server's default. */
export interface Actor<State = unknown> {
  readonly type: string;
  /** The one actor of this type; without it there is one per key. */
  readonly name?: string;
  /** The state before the first commit, or a function of the key. Without it the type has no state. */
  readonly initial?: State | ((key: string) => State);
  readonly actions: Readonly<Record<string, Action<State>>>;
  /** Names of actions that change nothing. */
  readonly readOnly?: readonly string[];
  readonly durability?: Durability;
  readonly deactivationTimeoutMs?: number;
  readonly reentrant?: boolean;
  readonly reads?: "fenced" | "leased";
  readonly history?: HistoryPolicy;
  readonly mailboxCalls?: number;
  readonly mailboxBytes?: number;
}
