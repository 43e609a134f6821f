import type { ActorId } from "../domain/actor.ts";
import { actorPath } from "../domain/actor.ts";
import type { Effect, ScheduleTime } from "../domain/effect.ts";
import type { Caller, Payload, StringMap } from "../domain/invocation.ts";
import { EMPTY_MAP } from "../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../domain/turn.ts";
import type { ActorContext, ActorTarget, CallOptions, SendOptions } from "./actor.ts";
import { fromPayload, toPayload } from "./json-payload.ts";

/** What the runner needs from whoever carries invocations to it. */
export interface RunnerPort {
  /** The clock in which `Invocation.deadlineMs` of the turns is given. */
  now(): number;
  /** A call to another actor in the name of a running turn. */
  call(turn: HostTurn, call: ActorCall): Promise<Payload>;
  /** Fires when the invocation of this turn is cancelled. Asked for only by actions that use it. */
  signal(invocation: HostInvocation): AbortSignal;
}

/** One call to another actor as the runner hands it over. */
export interface ActorCall {
  readonly target: ActorId;
  readonly action: string;
  readonly payload: Payload;
  readonly metadata: StringMap;
  readonly requestId: string;
  readonly timeoutMs: number;
}

/** The error of an action that ends its turn with a code of its own. */
export class ActionError extends Error {
  override readonly name = "ActionError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Resolves a target in the system of the actor that names it. */
export function resolveTarget(target: ActorTarget, system: string): ActorId {
  if (typeof target !== "string") return { system, ...target };
  const slash = target.indexOf("/");
  if (slash < 1 || slash === target.length - 1) {
    throw new ActionError("invalid_argument", "an actor is named by `type/key`");
  }
  return { system, type: target.slice(0, slash), key: target.slice(slash + 1) };
}

/**
 * What one turn sees and asks for. `effects` is handed to the result as it is, so it lives exactly
 * as long as the turn; `close` refuses what comes later.
 */
export class TurnContext implements ActorContext<unknown> {
  readonly #invocation: HostInvocation;
  readonly #turn: HostTurn;
  readonly #port: RunnerPort;
  readonly effects: Effect[] = [];
  state: unknown;
  #before: StringMap;
  #tags: Record<string, string> | undefined;
  #replyMetadata: Record<string, string> | undefined;
  #open = true;

  constructor(
    invocation: HostInvocation,
    turn: HostTurn,
    port: RunnerPort,
    state: unknown,
    tags: StringMap,
  ) {
    this.#invocation = invocation;
    this.#turn = turn;
    this.#port = port;
    this.state = state;
    this.#before = tags;
  }

  get system(): string {
    return this.#invocation.actor.system;
  }
  get type(): string {
    return this.#invocation.actor.type;
  }
  get key(): string {
    return this.#invocation.actor.key;
  }
  get action(): string {
    return this.#turn.invocation.action;
  }
  get revision(): number {
    return this.#invocation.revision;
  }
  get caller(): Caller {
    return this.#turn.invocation.caller;
  }
  get metadata(): StringMap {
    return this.#turn.invocation.metadata;
  }
  get requestId(): string {
    return this.#turn.invocation.requestId;
  }
  get idempotencyKey(): string {
    const { actor, epoch } = this.#invocation;
    const own = this.requestId === "" ? `${epoch}.${this.#turn.turnId}` : this.requestId;
    return `${actorPath(actor)}/${this.action}/${own}`;
  }
  get attempt(): number {
    return this.#turn.attempt;
  }
  get remainingMs(): number {
    return Math.max(0, this.#turn.invocation.deadlineMs - this.#port.now());
  }
  get signal(): AbortSignal {
    return this.#port.signal(this.#invocation);
  }
  get tags(): Record<string, string> {
    this.#tags ??= { ...this.#before };
    return this.#tags;
  }
  set tags(tags: Record<string, string>) {
    this.#tags = tags;
  }
  get replyMetadata(): Record<string, string> {
    this.#replyMetadata ??= {};
    return this.#replyMetadata;
  }

  fail(code: string, message: string): never {
    throw new ActionError(code, message);
  }

  async call(
    target: ActorTarget,
    action: string,
    input?: unknown,
    options: CallOptions = {},
  ): Promise<unknown> {
    this.#mustBeOpen();
    const left = this.remainingMs;
    const reply = await this.#port.call(this.#turn, {
      target: resolveTarget(target, this.system),
      action,
      payload: toPayload(input),
      metadata: options.metadata ?? EMPTY_MAP,
      requestId: options.requestId ?? "",
      timeoutMs: Math.min(left, options.timeoutMs ?? left),
    });
    return fromPayload(reply);
  }

  send(target: ActorTarget, action: string, input?: unknown, options: SendOptions = {}): void {
    this.#ask({
      kind: "send",
      target: resolveTarget(target, this.system),
      action,
      payload: toPayload(input),
      delayMs: options.delayMs ?? 0,
      metadata: options.metadata ?? EMPTY_MAP,
      requestId: options.requestId ?? "",
    });
  }
  forward(target: ActorTarget, action: string): void {
    this.#ask({ kind: "forward", target: resolveTarget(target, this.system), action });
  }
  pipe(target: ActorTarget, action: string): void {
    this.#ask({ kind: "pipe", target: resolveTarget(target, this.system), action });
  }
  broadcast(channel: string, action: string, input?: unknown, metadata?: StringMap): void {
    const payload = toPayload(input);
    this.#ask({ kind: "broadcast", channel, action, payload, metadata: metadata ?? EMPTY_MAP });
  }
  schedule(
    name: string,
    when: ScheduleTime,
    action: string,
    input?: unknown,
    missed: "fire_once" | "skip" | "all" = "fire_once",
  ): void {
    this.#ask({ kind: "schedule", name, action, payload: toPayload(input), when, missed });
  }
  cancel(name: string): void {
    this.#ask({ kind: "cancel", name });
  }
  checkpoint(): void {
    this.#ask({ kind: "checkpoint" });
  }
  delete(options: { readonly shred?: boolean } = {}): void {
    this.#ask({ kind: "delete", shred: options.shred ?? false });
  }

  /** Ends the turn: whatever user code still holds of it has no effect any more. */
  close(): { readonly tags: StringMap | undefined; readonly metadata: StringMap } {
    this.#open = false;
    return {
      tags: differs(this.#before, this.#tags) ? this.#tags : undefined,
      metadata: this.#replyMetadata ?? EMPTY_MAP,
    };
  }

  #ask(effect: Effect): void {
    this.#mustBeOpen();
    this.effects.push(effect);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new ActionError("failed_precondition", "the turn is over");
  }
}

function differs(before: StringMap, after: StringMap | undefined): boolean {
  if (after === undefined) return false;
  const names = Object.keys(after);
  if (names.length !== Object.keys(before).length) return true;
  return names.some((name) => before[name] !== after[name]);
}
