import { Deque } from "../../std/deque.ts";
import type { Call } from "./call.ts";

/**
 * The calls that wait for their turn. Bounded by what is alive in it: a call that was answered while
 * it waited (deadline, cancel) no longer counts, and is skipped when its place comes.
 */
export class Mailbox {
  readonly #calls = new Deque<Call>();
  readonly #maxCalls: number;
  readonly #maxBytes: number;
  #live = 0;
  #bytes = 0;

  constructor(maxCalls: number, maxBytes: number) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#live;
  }

  /** False if the call does not fit; then nothing has changed. */
  offer(call: Call): boolean {
    if (this.#live >= this.#maxCalls || this.#bytes + call.bytes > this.#maxBytes) return false;
    // Answered calls keep their place until they are passed: let go of them before they pile up.
    if (this.#calls.length > 2 * this.#live + 64) this.#compact();
    this.#calls.push(call);
    this.#count(call, 1);
    return true;
  }

  /** Puts a call back at the front; it was counted before, so it always fits. */
  putBack(call: Call): void {
    this.#calls.unshift(call);
    this.#count(call, 1);
  }

  /** The first call that still waits, left in its place. */
  peek(): Call | undefined {
    let call = this.#calls.peek();
    while (call !== undefined && call.phase !== "queued") {
      this.#calls.shift();
      call = this.#calls.peek();
    }
    return call;
  }

  /** Takes the first call that still waits. */
  take(): Call | undefined {
    const call = this.peek();
    if (call === undefined) return undefined;
    this.#calls.shift();
    this.#count(call, -1);
    return call;
  }

  /** Stops counting a call that is answered where it stands. */
  forget(call: Call): void {
    this.#count(call, -1);
  }

  #count(call: Call, sign: 1 | -1): void {
    this.#live += sign;
    this.#bytes += sign * call.bytes;
  }

  #compact(): void {
    const kept: Call[] = [];
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) {
      if (call.phase === "queued") kept.push(call);
    }
    for (const call of kept) this.#calls.push(call);
  }
}
