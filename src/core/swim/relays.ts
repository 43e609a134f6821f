import type { Courier } from "./courier.ts";
import { Deadlines } from "./deadlines.ts";
import type { SwimKernel } from "./kernel.ts";
import { ACK, NACK } from "./wire.ts";

/** A ping on another's behalf. */
interface Relayed {
  readonly askerAddress: string;
  readonly askerSeq: number;
  readonly target: number;
  readonly targetAddress: string;
  nacked: boolean;
}

const MOST = 1_024;

/** Pings for members that could not reach a third one, and tells them what came of it. */
export class Relays {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  readonly #bySeq = new Map<number, Relayed>();
  readonly #deadlines = new Deadlines();

  constructor(kernel: SwimKernel, courier: Courier) {
    this.#kernel = kernel;
    this.#courier = courier;
  }

  get length(): number {
    return this.#bySeq.size;
  }

  get nextMs(): number {
    return this.#deadlines.nextMs;
  }

  /** Takes a request up and answers the number to ping with; `undefined` if there are too many. */
  add(
    nowMs: number,
    asker: { readonly address: string; readonly seq: number },
    target: { readonly index: number; readonly address: string },
    nackDelayMs: number,
  ): number | undefined {
    if (this.#bySeq.size >= MOST) return undefined;
    const { self, config } = this.#kernel;
    const seq = self.nextSeq();
    this.#bySeq.set(seq, {
      askerAddress: asker.address,
      askerSeq: asker.seq,
      target: target.index,
      targetAddress: target.address,
      nacked: false,
    });
    // The asker waits longest while its own health is worst.
    const waitMs = config.probeIntervalMs * (config.maxHealth + 1);
    this.#deadlines.add(nowMs + Math.min(nackDelayMs, waitMs), seq, 0);
    this.#deadlines.add(nowMs + waitMs, seq, 1);
    return seq;
  }

  /** An ack; false if it answers no relayed ping. The asker hears of it even after a nack. */
  acked(seq: number, sender: number, from: string): boolean {
    const relayed = this.#bySeq.get(seq);
    if (relayed?.target !== sender || relayed.targetAddress !== from) return false;
    this.#bySeq.delete(seq);
    this.#answer(ACK, relayed);
    return true;
  }

  tick(nowMs: number): void {
    for (let due = this.#deadlines.take(nowMs); due; due = this.#deadlines.take(nowMs)) {
      const relayed = this.#bySeq.get(due.subject);
      if (relayed === undefined) continue;
      if (relayed.nacked) this.#bySeq.delete(due.subject);
      else {
        relayed.nacked = true;
        this.#answer(NACK, relayed);
      }
    }
  }

  stop(): void {
    this.#bySeq.clear();
  }

  #answer(tag: typeof ACK | typeof NACK, relayed: Relayed): void {
    this.#courier.begin().answer(tag, relayed.askerSeq);
    this.#courier.dispatch(relayed.askerAddress);
  }
}
