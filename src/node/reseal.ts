import type { Resealing, SealedRow } from "../contract/index.ts";
import type { Sealer, Seed } from "./sealer.ts";

/** What one sweep did. With nothing at all, no row of another key, or without its seed, is left. */
export interface ResealCount {
  /** Rows that now lie under the active key, with their actor's seed. */
  readonly moved: number;
  /** Rows that were written meanwhile, which moved them as well. */
  readonly changed: number;
  /** Rows that cannot be opened; left as they are, and met again by a later sweep. */
  readonly unreadable: readonly SealedRow[];
}

/**
 * Moves at most `limit` rows of other keys to the active key, and under the seed of their actor where
 * it has one; each by compare-and-set, so that it may run beside commits and on several nodes at
 * once. Seeds are moved as well, and stay what they are. Called by the background sweep; rejects only
 * if the store does.
 */
export async function resealOnce(
  store: { readonly resealing?: Resealing },
  sealer: Sealer,
  limit: number,
): Promise<ResealCount> {
  const { resealing } = store;
  const unreadable: SealedRow[] = [];
  let moved = 0;
  let changed = 0;
  for (const row of (await resealing?.pending(sealer.activeKeyId, limit)) ?? []) {
    const { purpose, actor, revision, label, before } = row;
    let plain: Uint8Array;
    let seed: Seed | undefined;
    try {
      seed = row.seed && sealer.seeds?.open(actor, row.seed);
      plain = sealer.open(purpose, actor, revision, label, before, seed);
    } catch {
      // Whoever loads the row meets the same error and reports it; a sweep only passes it by.
      unreadable.push(row);
      continue;
    }
    const sealed = sealer.seal(purpose, actor, revision, label, plain, seed);
    if (await resealing?.replace(row, sealed)) moved += 1;
    else changed += 1;
  }
  return { moved, changed, unreadable };
}
