import type { Clock } from "../../node/ports.ts";

/** Where text goes: `process.stderr`, or an array in tests. `done` is called when it is written. */
export interface TextSink {
  write(text: string, done: () => void): void;
}

/** Bytes per second that are written; what is more would only be lost further on. */
const BYTES_PER_SECOND = 1_000_000;
/** What may wait for a slow reader before lines are dropped instead. */
const BACKLOG_BYTES = 1_000_000;

/**
 * Writes lines within a rate and with a bounded backlog, and drops what is more: a flood of log or a
 * reader that stands still never holds up the node. Dropped lines are counted and said.
 */
export class LogOutput {
  readonly #sink: TextSink;
  readonly #clock: Clock;
  readonly #notice: (dropped: number) => string;
  readonly #bytesPerSecond: number;
  #tokens: number;
  #filledMs: number;
  #backlog = 0;
  #dropped = 0;
  #unsaid = 0;
  #idle: (() => void)[] = [];

  /** `notice` makes the line that tells how many were dropped since the one before. */
  constructor(
    sink: TextSink,
    clock: Clock,
    notice: (dropped: number) => string,
    bytesPerSecond = BYTES_PER_SECOND,
  ) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = bytesPerSecond;
    this.#sink = sink;
    this.#clock = clock;
    this.#notice = notice;
    this.#filledMs = clock.now();
  }

  /** Lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    const now = this.#clock.now();
    const gained = ((now - this.#filledMs) * this.#bytesPerSecond) / 1000;
    this.#tokens = Math.min(this.#bytesPerSecond, this.#tokens + gained);
    this.#filledMs = now;
    if (line.length > this.#tokens || this.#backlog + line.length > BACKLOG_BYTES) {
      this.#dropped += 1;
      this.#unsaid += 1;
      return;
    }
    const text = this.#unsaid === 0 ? line : this.#notice(this.#unsaid) + line;
    this.#unsaid = 0;
    this.#tokens -= text.length;
    this.#backlog += text.length;
    this.#sink.write(text, () => {
      this.#backlog -= text.length;
      if (this.#backlog > 0) return;
      for (const done of this.#idle.splice(0)) done();
    });
  }

  /** Resolves when everything written so far has left the process. */
  async flush(): Promise<void> {
    if (this.#backlog > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
