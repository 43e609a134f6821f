/** How often a condition is looked at, in milliseconds. */
const LOOK_MS = 10;

/**
 * Resolves as soon as `condition` gives anything but `undefined` or `false`, with what it gave.
 * Rejects after `deadlineMs`, naming `what` was awaited. The only place where a test lets time pass.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
