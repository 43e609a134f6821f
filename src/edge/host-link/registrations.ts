import { ServerError } from "../../domain/error.ts";
import type { Clock } from "../../node/ports.ts";

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** Registrations of one identity at once, and per second. */
const BURST = 100;
const PER_SECOND = 10;
/** Identities that are remembered; beyond them the oldest are forgotten. */
const MOST_IDENTITIES = 10_000;

/** Counts registrations per identity, so that a host in a loop costs the node next to nothing. */
export class Registrations {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `ServerError` (`quota.exceeded`) if `identity` registers too often. */
  admit(identity: string): void {
    const now = this.#clock.now();
    const bucket = this.#bucket(identity, now);
    bucket.tokens = Math.min(BURST, bucket.tokens + ((now - bucket.filledMs) / 1000) * PER_SECOND);
    bucket.filledMs = now;
    if (bucket.tokens < 1) {
      throw new ServerError("quota.exceeded", "the host registers too often", "not_started", {
        reason: "REGISTER_RATE",
        retryAfterMs: 1000 / PER_SECOND,
      });
    }
    bucket.tokens -= 1;
  }

  #bucket(identity: string, now: number): Bucket {
    const known = this.#buckets.get(identity);
    if (known !== undefined) return known;
    if (this.#buckets.size >= MOST_IDENTITIES) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
    const fresh = { tokens: BURST, filledMs: now };
    this.#buckets.set(identity, fresh);
    return fresh;
  }
}
