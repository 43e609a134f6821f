import type { Resealing } from "../contract/index.ts";
import type { Sealer } from "./sealer.ts";

/** What one sweep did. With all three zero, no row of another key is left. */
export interface ResealCount {
  /** Rows that now lie under the active key. */
  readonly moved: number;
  /** Rows that were written meanwhile, which moved them as well. */
  readonly changed: number;
  /** Rows that cannot be opened; left as they are, and met again by a later sweep. */
  readonly unreadable: number;
}

/**
 * Moves at most `limit` rows of other keys to the active key, each by compare-and-set, so that it
 * may run beside commits and on several nodes at once. Called by the background sweep after a key
 * rotation; rejects only if the store does.
 */
export async function resealOnce(
  store: { readonly resealing?: Resealing },
  sealer: Sealer,
  limit: number,
): Promise<ResealCount> {
  const { resealing } = store;
  const count = { moved: 0, changed: 0, unreadable: 0 };
  if (resealing === undefined) return count;
  for (const row of await resealing.pending(sealer.activeKeyId, limit)) {
    const { purpose, actor, revision, label, before } = row;
    let plain: Uint8Array;
    try {
      plain = sealer.open(purpose, actor, revision, label, before);
    } catch {
      // Whoever loads the row meets the same error and reports it; a sweep only passes it by.
      count.unreadable += 1;
      continue;
    }
    const sealed = sealer.seal(purpose, actor, revision, label, plain);
    if (await resealing.replace(row, sealed)) count.moved += 1;
    else count.changed += 1;
  }
  return count;
}
