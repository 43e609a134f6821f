import type { Statestore } from "../contract/index.ts";
import { isServerError } from "../domain/error.ts";
import type { Clock, Logger } from "./ports.ts";

export interface SessionKeeperOptions {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  readonly bootId: string;
  /** Where peers reach this process, or "" if it has none. */
  readonly address: () => string;
  readonly ttlMs: number;
  readonly renewMs: number;
  /** How much of the lease is not trusted, besides the error of the clock's rate. */
  readonly marginMs: number;
  /** A store that one process holds alone gives its actors to nobody else, whatever the lease says. */
  readonly exclusive: boolean;
  /** There is a session, the first or the one after a fenced one. */
  readonly opened: (sessionId: number) => void;
  /** The session is gone for good: nothing that was activated under it may answer. */
  readonly fenced: () => void;
  /**
   * Another process lives under this node's name, and they fence each other. True if this one gives
   * way and opens no session any more.
   */
  readonly usurped: () => boolean;
  readonly report: (reachable: boolean) => void;
  /** What the store has lost that it must hold, if anything; asked at each session after the first. */
  readonly missing: () => Promise<string | undefined>;
  /** The store is older than what it has confirmed: no session of it is used any more. */
  readonly regressed: (why: string) => void;
}

/** Error of the monotonic clock's rate that is reckoned with. */
const RATE_MARGIN = 0.05;
/** After a failure the store is asked again soon, and then less often. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;
/** Renewals that may be under way at once: a slow one must not hold up the next. */
const MOST_PENDING = 16;

/**
 * Keeps this process's lease row alive. The lease is judged by the store's clock; here only the
 * monotonic clock counts, from before the renewal was sent. Renewals are sent at their times whether
 * or not the one before has been answered, so that a slow store costs no lease.
 * A session that is fenced ends every activation, and a new one is opened.
 */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  #sessionId: number | undefined;
  /** The highest id that the store has given: a session after it has a higher one. */
  #highestId = 0;
  #validUntilMs = 0;
  /** The process that took the session under this node's name before. */
  #rival: string | undefined;
  #stopTimer: (() => void) | undefined;
  #dueMs = 0;
  #retryMs = 0;
  #pending = 0;
  #replacing = false;
  #stopped = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  /** The session while it may be used: it is open, and its lease is certain. */
  get current(): number | undefined {
    if (this.#options.exclusive || this.marginMs > 0) return this.#sessionId;
    return undefined;
  }

  /** Milliseconds for which the lease is certain; negative when it may have passed. */
  get marginMs(): number {
    return this.#validUntilMs - this.#options.clock.now();
  }

  /** Opens the session; rejects if the store cannot be reached. */
  async start(): Promise<void> {
    await this.#open();
    this.#schedule(this.#options.renewMs);
  }

  /** Closes the row, so that others take over at once. */
  async stop(): Promise<void> {
    this.#end();
    const sessionId = this.#sessionId;
    this.#sessionId = undefined;
    if (sessionId !== undefined) await this.#options.store.sessions.close(sessionId);
  }

  /** Nothing is asked of the store any more. */
  #end(): void {
    this.#stopped = true;
    this.#stopTimer?.();
  }

  async #open(): Promise<void> {
    const { store, clock, nodeName, bootId, address, ttlMs, log } = this.#options;
    const sent = clock.now();
    const row = await store.sessions.open({
      nodeName,
      bootId,
      address: address(),
      ttlMs,
    });
    const lost = await this.#lost(row.id);
    // Stopped meanwhile: nobody else would close it, and its actors would wait for the lease to end.
    if (this.#stopped) return await store.sessions.close(row.id);
    if (lost !== undefined) {
      this.#end();
      this.#options.regressed(lost);
      return await store.sessions.close(row.id);
    }
    this.#highestId = row.id;
    this.#sessionId = row.id;
    this.#validUntilMs = this.#validFrom(sent);
    log.info("session.opened", { session: row.id, node: nodeName });
    this.#options.opened(row.id);
  }

  /** What shows that the store is older than the sessions before this one. */
  async #lost(id: number): Promise<string | undefined> {
    if (this.#highestId === 0) return undefined;
    if (id <= this.#highestId) return `session ${id} was given after session ${this.#highestId}`;
    return await this.#options.missing();
  }

  #validFrom(sentMs: number): number {
    const { ttlMs, marginMs } = this.#options;
    return sentMs + ttlMs * (1 - RATE_MARGIN) - marginMs;
  }

  /** Asks the store after `afterMs`, unless that is planned sooner. */
  #schedule(afterMs: number): void {
    const { clock, renewMs } = this.#options;
    const dueMs = clock.now() + afterMs;
    if (this.#stopped || (this.#stopTimer !== undefined && this.#dueMs <= dueMs)) return;
    this.#stopTimer?.();
    this.#dueMs = dueMs;
    this.#stopTimer = clock.setTimer(afterMs, () => {
      this.#stopTimer = undefined;
      this.#ask();
      this.#schedule(this.#retryMs > 0 ? this.#retryMs : renewMs);
    });
  }

  #ask(): void {
    if (this.#replacing || this.#pending >= MOST_PENDING) return;
    this.#pending += 1;
    const asked =
      this.#sessionId === undefined ? this.#replace(false) : this.#renew(this.#sessionId);
    void asked
      .then(
        () => this.#answered(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#pending -= 1;
      });
  }

  #answered(): void {
    if (this.#stopped) return;
    this.#retryMs = 0;
    this.#options.report(true);
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    const { log, report } = this.#options;
    // A store that has no room left for a lease can be reached all the same.
    report(isServerError(error) && error.details.reason === "STORE_FULL");
    log.warn("session.renewal_failed", { session: this.#sessionId, error });
    this.#retryMs = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, 2 * this.#retryMs));
    this.#schedule(this.#retryMs);
  }

  async #renew(sessionId: number): Promise<void> {
    const { store, clock, ttlMs, log, fenced } = this.#options;
    const sent = clock.now();
    const answer = await store.sessions.renew(sessionId, ttlMs);
    // What was asked of a session before this one is no news.
    if (this.#stopped || sessionId !== this.#sessionId) return;
    if (answer === "renewed") {
      this.#validUntilMs = Math.max(this.#validUntilMs, this.#validFrom(sent));
      return;
    }
    log.warn("session.fenced", { session: sessionId });
    this.#sessionId = undefined;
    fenced();
    await this.#replace(true);
  }

  /** Opens the session after one that is gone, and after another process has taken it not at all. */
  async #replace(fenced: boolean): Promise<void> {
    const { log, nodeName, usurped } = this.#options;
    this.#replacing = true;
    try {
      if (fenced && (await this.#isUsurped())) {
        log.error("session.evicted", { node: nodeName });
        if (usurped()) return this.#end();
      }
      await this.#open();
    } finally {
      this.#replacing = false;
    }
  }

  /**
   * Whether another process lives under this node's name. It is believed to when it takes the session
   * a second time: the first may have been the late write of one that has died.
   */
  async #isUsurped(): Promise<boolean> {
    const { store, nodeName, bootId } = this.#options;
    const rows = await store.sessions.list();
    const rival = rows.find(
      (row) => row.state === "up" && row.nodeName === nodeName && row.bootId !== bootId,
    )?.bootId;
    const again = rival !== undefined && rival === this.#rival;
    this.#rival = rival;
    return again;
  }
}
