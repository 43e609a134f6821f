import type { PluginClock } from "../../../src/contract/index.ts";

/** Settles as `work` does; if that takes longer than `ms`, rejects with what `late` gives. */
export function within<T>(
  clock: PluginClock,
  ms: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(ms, () => reject(late()));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
