import type { ServerHttp2Session } from "node:http2";

/** Frames received and sent by a session since it began. */
export interface FrameCounts {
  readonly framesReceived: number;
  readonly framesSent: number;
}

/** Frames without progress that a connection may save up, and how many it earns each second. */
const BURST_FRAMES = 5000;
const FRAMES_PER_SECOND = 2000;
/** A peer may answer each frame of ours with two window updates (stream and connection). */
const FRAMES_PER_SENT = 2;

interface Counting {
  getFrameCounters(): FrameCounts;
}

function counts(value: unknown): value is Counting {
  return (
    typeof value === "object" &&
    value !== null &&
    "getFrameCounters" in value &&
    typeof value.getFrameCounters === "function"
  );
}

/**
 * The frame counter of a session, where the runtime keeps one. Bun has it behind an unnamed symbol
 * of the session and, alone, swallows empty CONTINUATION frames without end; other runtimes bound
 * them themselves, and there this answers `undefined`.
 */
export function frameCounterOf(session: ServerHttp2Session): (() => FrameCounts) | undefined {
  const prototype: object = Object.getPrototypeOf(session);
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    const getter = Object.getOwnPropertyDescriptor(prototype, symbol)?.get;
    if (getter === undefined) continue;
    const native: unknown = getter.call(session);
    if (counts(native)) {
      return () => {
        const current: unknown = getter.call(session);
        return counts(current) ? current.getFrameCounters() : { framesReceived: 0, framesSent: 0 };
      };
    }
  }
  return undefined;
}

/** Notices a peer that sends frames which lead to nothing: CONTINUATION, PRIORITY, WINDOW_UPDATE, unknown ones. */
export class FrameBudget {
  readonly #counter: (() => FrameCounts) | undefined;
  readonly #earnedPerTick: number;
  #received = 0;
  #sent = 0;
  #useful = 0;
  #spent = 0;

  constructor(counter: (() => FrameCounts) | undefined, tickMs: number) {
    this.#counter = counter;
    this.#earnedPerTick = (FRAMES_PER_SECOND * tickMs) / 1000;
  }

  /** A frame that meant something: a stream, or data that was taken. */
  progress(): void {
    this.#useful += 1;
  }

  /** Called at every tick; true when the connection should be ended. */
  exceeded(): boolean {
    if (this.#counter === undefined) return false;
    const { framesReceived, framesSent } = this.#counter();
    const received = framesReceived - this.#received;
    const sent = framesSent - this.#sent;
    const idle = received - this.#useful - FRAMES_PER_SENT * sent;
    this.#received = framesReceived;
    this.#sent = framesSent;
    this.#useful = 0;
    this.#spent = Math.max(0, this.#spent + idle - this.#earnedPerTick);
    return this.#spent > BURST_FRAMES;
  }
}
