import type { Call } from "../core/activation/call.ts";
import type { Clock } from "./ports.ts";

/** Where the measured times go. */
export interface PhaseObserver {
  queued(ms: number, type: string): void;
  hosted(ms: number, type: string): void;
}

/** One in this many calls is timed through its phases; every traced one is. */
const SAMPLE = 16;

/** When a timed call entered its mailbox and when its host got it. */
interface Marks {
  queuedMs: number;
  hostMs: number;
}

/**
 * Follows calls through queue, host and commit for metrics and traces. Untimed calls cost one test.
 */
export class PhaseTracker {
  readonly #clock: Clock;
  readonly #observer: PhaseObserver;
  readonly #marks = new Map<number, Marks>();

  constructor(clock: Clock, observer: PhaseObserver) {
    this.#clock = clock;
    this.#observer = observer;
  }

  entered(call: Call): void {
    const { trace } = call.invocation;
    if (trace === undefined && call.id % SAMPLE !== 0) return;
    trace?.end("receive");
    trace?.begin("queue");
    this.#marks.set(call.id, { queuedMs: this.#clock.now(), hostMs: 0 });
  }

  /** The actor of a call that has just entered is claimed for it. */
  claiming(call: Call): void {
    if (this.#marks.has(call.id)) call.invocation.trace?.begin("claim");
  }

  begun(calls: readonly Call[]): void {
    if (this.#marks.size === 0) return;
    for (const call of calls) {
      const marks = this.#marks.get(call.id);
      if (marks === undefined) continue;
      marks.hostMs = this.#clock.now();
      this.#observer.queued(marks.hostMs - marks.queuedMs, call.invocation.actor.type);
      call.invocation.trace?.end("claim");
      call.invocation.trace?.end("queue");
      call.invocation.trace?.begin("host");
    }
  }

  executed(calls: readonly Call[]): void {
    if (this.#marks.size === 0) return;
    for (const call of calls) {
      const marks = this.#marks.get(call.id);
      if (marks === undefined) continue;
      this.#observer.hosted(this.#clock.now() - marks.hostMs, call.invocation.actor.type);
      call.invocation.trace?.end("host");
      call.invocation.trace?.begin("commit");
    }
  }

  answered(call: Call): void {
    if (this.#marks.size === 0 || !this.#marks.delete(call.id)) return;
    call.invocation.trace?.end("commit");
    // Ends with the span of the call, when its answer has been written.
    call.invocation.trace?.begin("reply");
  }
}
