const MINUTE_MS = 60_000;

/** How far back a fire is looked for. */
const LONGEST_LOOK_BACK_MS = 400 * 24 * 60 * MINUTE_MS;

/**
 * The last time at or before `nowMs` that a schedule fires, or `undefined` if it has not fired for
 * 400 days. Looks back twice as far each time, so that the fires in between are few.
 */
export function lastCronBefore(
  nowMs: number,
  nextAfter: (afterMs: number) => number | undefined,
): number | undefined {
  for (let back = MINUTE_MS; back <= 2 * LONGEST_LOOK_BACK_MS; back *= 2) {
    let found = nextAfter(nowMs - back);
    if (found === undefined || found > nowMs) continue;
    for (
      let next = nextAfter(found);
      next !== undefined && next <= nowMs;
      next = nextAfter(found)
    ) {
      found = next;
    }
    return found;
  }
  return undefined;
}
