import type { CommitBatch, CommitResult, Statestore } from "../../src/contract/index.ts";

/**
 * A store whose recorded replies are written by a second transaction after the one of the state: the
 * mistake of keeping them in another system.
 */
export function splitDedup(store: Statestore): Statestore {
  const commit = async (batch: CommitBatch): Promise<readonly CommitResult[]> => {
    const commits = batch.commits.map((one) => ({ ...one, dedup: [] }));
    const results = await store.commit({ ...batch, commits });
    const records = batch.commits
      .filter((one, i) => results[i] === "committed" && one.dedup.length > 0)
      .map(({ shred: _shred, seed: _seed, ...one }) => {
        return { ...one, baseRevision: one.revision, change: { kind: "keep" } as const };
      });
    if (records.length > 0) {
      await store
        .commit({ ...batch, commits: records.map((one) => ({ ...one, history: [] })) })
        .catch(() => undefined);
    }
    return results;
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === "commit") return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
