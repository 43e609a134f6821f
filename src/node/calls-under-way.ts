import type { Call } from "../core/activation/call.ts";
import type { Invocation } from "../domain/invocation.ts";
import type { Limits } from "../domain/limits.ts";
import { TimerWheel } from "../std/timer-wheel.ts";

/** The calls that a node has taken and not answered: their number, their bytes and their deadlines. */
export class CallsUnderWay {
  readonly #limits: Limits;
  readonly #deadlines: TimerWheel<Call>;
  #count = 0;
  #bytes = 0;

  constructor(limits: Limits, granuleMs: number, nowMs: number) {
    this.#limits = limits;
    this.#deadlines = new TimerWheel(granuleMs, nowMs);
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the node has as many calls as it takes, or too little memory for this one's payload. */
  isFull({ payload }: Invocation): boolean {
    const { inFlightCalls, mailboxMemoryBytes } = this.#limits;
    return this.#count >= inFlightCalls || this.#bytes + payload.data.length > mailboxMemoryBytes;
  }

  entered(call: Call): void {
    this.#count += 1;
    this.#bytes += call.invocation.payload.data.length;
    this.#deadlines.add(call);
  }

  answered(call: Call): void {
    this.#count -= 1;
    this.#bytes -= call.invocation.payload.data.length;
    this.#deadlines.remove(call);
  }

  /** Counts a call that waits in no mailbox, and whose deadline is watched elsewhere. */
  readBegun(): void {
    this.#count += 1;
  }

  readEnded(): void {
    this.#count -= 1;
  }

  /** Hands over every call whose deadline has passed by `nowMs`. */
  expire(nowMs: number, expired: (call: Call) => void): void {
    this.#deadlines.advance(nowMs, expired);
  }
}
