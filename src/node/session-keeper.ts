import type { Statestore } from "../contract/index.ts";
import type { Clock, Logger } from "./ports.ts";

export interface SessionKeeperOptions {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  readonly bootId: string;
  readonly address: string;
  readonly ttlMs: number;
  readonly renewMs: number;
  /** How much of the lease is not trusted, besides the error of the clock's rate. */
  readonly marginMs: number;
  /** The session is gone for good: nothing that was activated under it may answer. */
  readonly fenced: () => void;
  /** Another process lives under this node's name: this one must go, or they would fence each other. */
  readonly evicted: () => void;
  readonly report: (reachable: boolean) => void;
}

/** Error of the monotonic clock's rate that is reckoned with. */
const RATE_MARGIN = 0.05;

/**
 * Keeps this process's lease row alive. The lease is judged by the store's clock; here only the
 * monotonic clock counts, from before the renewal was sent.
 * A session that is fenced ends every activation, and a new one is opened.
 */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  #sessionId: number | undefined;
  #validUntilMs = 0;
  /** The process that took the session under this node's name before. */
  #rival: string | undefined;
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  /** The session while it may be used. */
  get current(): number | undefined {
    return this.#sessionId;
  }

  /** Milliseconds for which the lease is certain; negative when it may have passed. */
  get marginMs(): number {
    return this.#validUntilMs - this.#options.clock.now();
  }

  /** Opens the session; rejects if the store cannot be reached. */
  async start(): Promise<void> {
    await this.#open();
    this.#schedule();
  }

  /** Closes the row, so that others take over at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer?.();
    const sessionId = this.#sessionId;
    this.#sessionId = undefined;
    if (sessionId !== undefined) await this.#options.store.sessions.close(sessionId);
  }

  async #open(): Promise<void> {
    const { store, clock, nodeName, bootId, address, ttlMs, log } = this.#options;
    const sent = clock.now();
    const row = await store.sessions.open({ nodeName, bootId, address, ttlMs });
    // Stopped meanwhile: nobody else would close it, and its actors would wait for the lease to end.
    if (this.#stopped) return await store.sessions.close(row.id);
    this.#sessionId = row.id;
    this.#valid(sent);
    log.info("session.opened", { session: row.id, node: nodeName });
  }

  #valid(sentMs: number): void {
    const { ttlMs, marginMs } = this.#options;
    this.#validUntilMs = sentMs + ttlMs * (1 - RATE_MARGIN) - marginMs;
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, renewMs } = this.#options;
    this.#stopTimer = clock.setTimer(renewMs, () => {
      void this.#renew().finally(() => this.#schedule());
    });
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

  async #renew(): Promise<void> {
    const { store, clock, ttlMs, log, report } = this.#options;
    try {
      if (this.#sessionId === undefined) {
        await this.#open();
        return report(true);
      }
      const sent = clock.now();
      const answer = await store.sessions.renew(this.#sessionId, ttlMs);
      report(true);
      if (answer === "renewed") return this.#valid(sent);
      if (this.#stopped) return;
      log.warn("session.fenced", { session: this.#sessionId });
      this.#sessionId = undefined;
      this.#options.fenced();
      if (!(await this.#isUsurped())) return await this.#open();
      log.error("session.evicted", { node: this.#options.nodeName });
      this.#stopped = true;
      this.#options.evicted();
    } catch (error) {
      if (this.#stopped) return;
      report(false);
      log.warn("session.renewal_failed", { session: this.#sessionId, error });
    }
  }
}
