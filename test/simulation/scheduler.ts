import { drainMicrotasks } from "bun:jsc";
import type { Clock } from "../../src/node/ports.ts";

/** 2026-01-01T00:00:00Z. */
const NEW_YEAR_2026_MS = 1_767_225_600_000;
const LAST_LINES = 80;

/** One simulated process: what it is sent waits while it is paused, and is lost once it is dead. */
export interface SimProcess {
  readonly name: string;
  pausedUntilMs: number;
  dead: boolean;
  /** Events that wait for it. */
  pending: number;
}

interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  readonly process: SimProcess;
  run: (() => void) | undefined;
}

/**
 * Virtual time. Events run one by one in order of their time and their making, each followed by all
 * the promise callbacks that it made ready, so that ordinary asynchronous code runs the same way for
 * the same seed. The trace hash covers every event and every noted line.
 */
export class Scheduler {
  #heap: SimEvent[] = [];
  #made = 0;
  #nowMs = 0;
  #stamp = 0;
  #hash = 0x811c9dc5;
  #events = 0;
  readonly #lines: string[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  get events(): number {
    return this.#events;
  }

  /** Fingerprint of all that happened so far. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** The newest lines of the trace. */
  get lastLines(): readonly string[] {
    return this.#lines.slice(-LAST_LINES);
  }

  process(name: string): SimProcess {
    return { name, pausedUntilMs: 0, dead: false, pending: 0 };
  }

  /** A number larger than all before it: the order of what clients saw. */
  stamp(): number {
    this.#stamp += 1;
    return this.#stamp;
  }

  /** Notes a line in the trace. */
  note(line: string): void {
    for (let i = 0; i < line.length; i += 1) this.#mix(line.charCodeAt(i));
    this.#lines.push(`${this.#nowMs.toFixed(2)} ${line}`);
    if (this.#lines.length > 4 * LAST_LINES) this.#lines.splice(0, 3 * LAST_LINES);
  }

  /** Runs `run` in `process` after `delayMs`; the returned function takes it back. */
  after(delayMs: number, process: SimProcess, run: () => void): () => void {
    this.#made += 1;
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const event: SimEvent = { atMs, order: this.#made, process, run };
    process.pending += 1;
    this.#push(event);
    return () => {
      if (event.run === undefined) return;
      event.run = undefined;
      process.pending -= 1;
    };
  }

  /** Runs events up to `untilMs`, or until `done` says so; time is then `untilMs` or that instant. */
  run(untilMs: number, done: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.atMs > untilMs) break;
      if (done()) return;
      this.#pop();
      this.#perform(next);
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #perform(event: SimEvent): void {
    const { process, run } = event;
    if (run === undefined) return;
    if (!process.dead && process.pausedUntilMs > event.atMs) {
      this.#push(Object.assign(event, { atMs: process.pausedUntilMs }));
      return;
    }
    process.pending -= 1;
    event.run = undefined;
    if (process.dead) return;
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    this.#events += 1;
    this.#mix(event.order);
    run();
    drainMicrotasks();
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!before(event, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, left)) child += 1;
      const least = heap[child] as SimEvent;
      if (!before(least, last)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** A process's own clocks: the monotonic one runs at `rate`, the wall clock jumps where told. */
export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #process: SimProcess;
  readonly #rate: number;
  readonly #bornMs: number;
  wallOffsetMs = 0;

  constructor(scheduler: Scheduler, process: SimProcess, rate: number) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#rate = rate;
    this.#bornMs = scheduler.nowMs;
  }

  now(): number {
    return (this.#scheduler.nowMs - this.#bornMs) * this.#rate;
  }

  wallMs(): number {
    return NEW_YEAR_2026_MS + this.wallOffsetMs + this.#scheduler.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return this.#scheduler.after(delayMs / this.#rate, this.#process, callback);
  }

  defer(callback: () => void): void {
    this.#scheduler.after(0, this.#process, callback);
  }
}
