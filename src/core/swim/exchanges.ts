import { Deadlines } from "./deadlines.ts";
import type { SwimKernel } from "./kernel.ts";
import { PacketWriter } from "./packet-writer.ts";
import { FRAME_MAGIC, HEADER_BYTES } from "./wire.ts";

/** Why a stream was opened. */
export type Exchange =
  /** To ask over a stream what a datagram did not answer. */
  | { readonly kind: "ping"; readonly to: string; readonly index: number; readonly seq: number }
  /** To exchange views: in turn, because they differ, with an absent member, or to join. */
  | {
      readonly kind: "sync";
      readonly to: string;
      readonly why: "periodic" | "digest" | "contact" | "join";
    };

/** How long after its time a driver's answer is still waited for. */
const GRACE_MS = 1_000;

/** The streams under way. Each ends by an answer, by a failure, or because the driver says nothing. */
export class Exchanges {
  readonly #kernel: SwimKernel;
  readonly #byToken = new Map<number, Exchange>();
  readonly #deadlines = new Deadlines();
  readonly #writer = new PacketWriter(HEADER_BYTES + 16);
  #token = 0;

  constructor(kernel: SwimKernel) {
    this.#kernel = kernel;
  }

  get length(): number {
    return this.#byToken.size;
  }

  get nextMs(): number {
    return this.#deadlines.nextMs;
  }

  ping(nowMs: number, index: number, to: string, seq: number, endMs: number): void {
    const { self, view } = this.#kernel;
    this.#writer.begin(FRAME_MAGIC, self.header);
    this.#writer.ping(seq, view.roster.id(index));
    const exchange = { kind: "ping", to, index, seq } as const;
    this.#open(nowMs, exchange, this.#writer.finish(), endMs - nowMs);
  }

  sync(
    nowMs: number,
    to: string,
    why: Extract<Exchange, { kind: "sync" }>["why"],
    frame: Uint8Array,
  ): void {
    this.#open(nowMs, { kind: "sync", to, why }, frame, this.#kernel.config.streamTimeoutMs);
  }

  /** Takes an exchange out, to settle it; `undefined` if it is settled. */
  take(token: number): Exchange | undefined {
    const exchange = this.#byToken.get(token);
    this.#byToken.delete(token);
    return exchange;
  }

  /** The next exchange of which the driver has said nothing in time. */
  takeSilent(nowMs: number): Exchange | undefined {
    for (let due = this.#deadlines.take(nowMs); due; due = this.#deadlines.take(nowMs)) {
      const exchange = this.take(due.token);
      if (exchange !== undefined) return exchange;
    }
    return undefined;
  }

  stop(): void {
    this.#byToken.clear();
  }

  #open(nowMs: number, exchange: Exchange, frame: Uint8Array, timeoutMs: number): void {
    this.#token += 1;
    this.#byToken.set(this.#token, exchange);
    this.#deadlines.add(nowMs + timeoutMs + GRACE_MS, 0, this.#token);
    this.#kernel.outbox.exchange(this.#token, exchange.to, frame, timeoutMs);
  }
}
