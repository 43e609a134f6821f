import type { PluginClock } from "../../../src/contract/index.ts";

/**
 * Runs `work` with a signal that aborts with `outer` or after `timeoutMs`, and settles when it does,
 * even if the work takes no notice. What it was aborted for is the signal's reason.
 */
export function withDeadline<T>(
  clock: PluginClock,
  outer: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error("the search was given up"));
  if (outer.aborted) abort();
  outer.addEventListener("abort", abort);
  const cancel = clock.setTimer(timeoutMs, () => {
    controller.abort(new Error(`there was no answer within ${timeoutMs} ms`));
  });
  const { signal } = controller;
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(reasonOf(signal));
    signal.addEventListener("abort", () => reject(reasonOf(signal)));
  });
  return Promise.race([aborted, work(signal)]).finally(() => {
    cancel();
    outer.removeEventListener("abort", abort);
  });
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("the search was given up");
}
