import type { Clock } from "../node/ports.ts";

/** The clock of the process: `performance.now`, the wall, timers, and `setImmediate` as the end of the tick. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  defer(callback) {
    setImmediate(callback);
  },
};
