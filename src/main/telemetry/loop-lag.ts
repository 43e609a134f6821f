import type { Clock } from "../../node/ports.ts";

const EVERY_MS = 250;

/** Measures how late a timer fires, for as long as the node runs. The returned function ends it. */
export function measureLoopLag(clock: Clock, observe: (ms: number) => void): () => void {
  let stop: () => void = () => undefined;
  const arm = (): void => {
    const dueMs = clock.now() + EVERY_MS;
    stop = clock.setTimer(EVERY_MS, () => {
      observe(Math.max(0, clock.now() - dueMs));
      arm();
    });
  };
  arm();
  return () => stop();
}
