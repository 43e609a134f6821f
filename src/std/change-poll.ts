/** What a poll looks at, and what it does about it. */
export interface ChangePollOptions {
  readonly intervalMs: number;
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /** A text that differs whenever the watched thing does; a rejection counts as a look in vain. */
  readonly fingerprint: () => Promise<string>;
  /** Called once per settled change, never twice at a time. Must not reject. */
  readonly changed: () => Promise<void>;
}

/**
 * Looks for a change at an interval, without the gaps that file system events have. A change counts
 * once two looks in a row agree, so that nothing half written is taken up.
 */
export class ChangePoll {
  readonly #options: ChangePollOptions;
  #handled = "";
  #seen = "";
  #cancel: (() => void) | undefined;

  constructor(options: ChangePollOptions) {
    this.#options = options;
  }

  /** Begins; `handled` is the fingerprint of what the caller has already taken up. */
  start(handled: string): void {
    this.#handled = handled;
    this.#seen = handled;
    this.#arm();
  }

  /** Ends looking. A look that is under way may still call `changed`. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#options.setTimer(this.#options.intervalMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const armed = this.#cancel;
    const now = await this.#options.fingerprint().catch(() => this.#seen);
    if (this.#cancel === armed && now !== this.#handled && now === this.#seen) {
      this.#handled = now;
      await this.#options.changed();
    }
    this.#seen = now;
    if (this.#cancel === armed && armed !== undefined) this.#arm();
  }
}
