import type { ActorId } from "../domain/actor.ts";
import { safeText } from "./safe-text.ts";

/** What happens on a node, and what is told of it. */
export interface HookEvents {
  readonly "node.starting": { readonly nodeName: string };
  readonly "node.ready": { readonly nodeName: string };
  readonly "node.draining": { readonly nodeName: string };
  readonly "node.stopping": { readonly nodeName: string };
  readonly "actor.activated": { readonly actor: ActorId; readonly epoch: number };
  readonly "actor.deactivated": { readonly actor: ActorId; readonly reason: string };
  /** Nothing that the actor had before this revision can be read any more. */
  readonly "actor.shredded": { readonly actor: ActorId; readonly revision: number };
  readonly "host.attached": { readonly hostId: string; readonly types: readonly string[] };
  readonly "host.lost": { readonly hostId: string; readonly reason: string };
  readonly "store.unavailable": { readonly store: string; readonly reason: string };
  readonly "store.recovered": { readonly store: string; readonly afterMs: number };
}

/** The names of the events. */
export type HookName = keyof HookEvents;

/** Hears of an event. What it throws or rejects with is counted and changes nothing else. */
export type HookHandler<Name extends HookName> = (
  event: Readonly<HookEvents[Name]>,
) => void | Promise<void>;

/** How a handler is called and told apart. */
export interface HookOptions {
  /** Who listens, for logs and counts. */
  readonly name: string;
  /** Higher ones are called earlier; equal ones in the order of registration. */
  readonly priority?: number;
}

/** What the kernel needs of time: the node's clock is one. */
export interface KernelClock {
  /** Runs `callback` once after `delayMs`; the returned function takes it back. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** What the kernel needs of the log: the node's logger is one. */
export interface KernelLogger {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Longest time that is waited for a handler's promise. */
export const HOOK_TIMEOUT_MS = 1000;

interface Registered {
  readonly name: string;
  readonly priority: number;
  readonly call: (event: unknown) => unknown;
}

/** The node's own announcements. One instance per node. */
export class Hooks {
  readonly #clock: KernelClock;
  readonly #log: KernelLogger;
  readonly #handlers = new Map<HookName, readonly Registered[]>();
  readonly #failures = new Map<string, number>();

  constructor(clock: KernelClock, log: KernelLogger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Calls `handler` for every later event; the returned function ends that and may be called twice. */
  on<Name extends HookName>(
    event: Name,
    handler: HookHandler<Name>,
    { name, priority = 0 }: HookOptions,
  ): () => void {
    const added: Registered = { name, priority, call: handler as Registered["call"] };
    const before = this.#handlers.get(event) ?? [];
    // Sorting is stable, and a new list leaves a running `emit` with the one it began with.
    this.#handlers.set(
      event,
      [...before, added].sort((a, b) => b.priority - a.priority),
    );
    return () => {
      const rest = this.#handlers.get(event)?.filter((each) => each !== added) ?? [];
      this.#handlers.set(event, rest);
    };
  }

  /**
   * Calls every handler of the event in order of priority with a frozen copy. Answers `undefined` if
   * there is nothing to wait for, else a promise that resolves (never rejects) when each handler's
   * promise has settled or its time is over. Callers on the hot path need not wait.
   */
  emit<Name extends HookName>(event: Name, payload: HookEvents[Name]): Promise<void> | undefined {
    const handlers = this.#handlers.get(event);
    if (handlers === undefined || handlers.length === 0) return undefined;
    const frozen = Object.freeze({ ...payload });
    const waiting: Promise<void>[] = [];
    for (const handler of handlers) {
      try {
        const answer = handler.call(frozen);
        if (answer instanceof Promise) waiting.push(this.#settle(event, handler.name, answer));
      } catch (error) {
        this.#failed(event, handler.name, "hook_failed", safeText(error));
      }
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  }

  /** How often each handler has failed, by its name. */
  failures(): ReadonlyMap<string, number> {
    return new Map(this.#failures);
  }

  #failed(event: HookName, handler: string, reason: string, detail: string): void {
    this.#failures.set(handler, (this.#failures.get(handler) ?? 0) + 1);
    this.#log.warn(reason, { hook: event, handler, detail });
  }

  #settle(event: HookName, handler: string, answer: Promise<unknown>): Promise<void> {
    return new Promise((settle) => {
      let open = true;
      const close = (reason?: string, detail = ""): void => {
        if (!open) return;
        open = false;
        cancel();
        if (reason !== undefined) this.#failed(event, handler, reason, detail);
        settle();
      };
      const cancel = this.#clock.setTimer(HOOK_TIMEOUT_MS, () => {
        close("hook_timeout", `no answer within ${HOOK_TIMEOUT_MS} ms`);
      });
      answer.then(
        () => close(),
        (error: unknown) => close("hook_failed", safeText(error)),
      );
    });
  }
}
