import type { ActorId, History, HistoryPolicy, HistoryRow } from "../../../src/contract/index.ts";
import { actorPath } from "../kit/identity.ts";
import type { ActorRow, MemoryRows } from "./memory-rows.ts";

/** Past states, as far as the policies of the commits kept them. */
export class MemoryHistory implements History {
  readonly #rows: MemoryRows;
  readonly #wallMs: () => number;

  constructor(rows: MemoryRows, wallMs: () => number) {
    this.#rows = rows;
    this.#wallMs = wallMs;
  }

  async byRevision(actor: ActorId, revision: number): Promise<HistoryRow | undefined> {
    return this.#of(actor).find((row) => row.revision === revision);
  }

  async list(
    actor: ActorId,
    range: Parameters<History["list"]>[1],
  ): Promise<readonly HistoryRow[]> {
    const { fromRevision = 0, toRevision = Infinity, fromMs = -Infinity, toMs = Infinity } = range;
    const found = this.#of(actor).filter(
      (row) =>
        row.revision >= fromRevision &&
        row.revision <= toRevision &&
        row.committedMs >= fromMs &&
        row.committedMs <= toMs,
    );
    return found.reverse().slice(0, range.limit);
  }

  async prune(of: Parameters<History["prune"]>[0]): Promise<number> {
    let pruned = 0;
    for (const row of this.#rows.actors.values()) {
      if (pruned >= of.limit) break;
      if (row.actor.system !== of.system || row.actor.type !== of.type) continue;
      const kept = keptHistory(row.history, of.policy, this.#wallMs());
      pruned += row.history.length - kept.length;
      row.history = kept;
    }
    return pruned;
  }

  #of(actor: ActorId): readonly HistoryRow[] {
    return this.#rows.actors.get(actorPath(actor))?.history ?? [];
  }
}

/** What of `history` the policy keeps at `wallMs`. */
export function keptHistory(
  history: ActorRow["history"],
  policy: HistoryPolicy,
  wallMs: number,
): ActorRow["history"] {
  if (history.length === 0) return history;
  switch (policy.kind) {
    case "none":
      return [];
    case "all":
      return history;
    case "last":
      return policy.count < history.length ? history.slice(history.length - policy.count) : history;
    case "duration":
      return history.filter((entry) => entry.committedMs >= wallMs - policy.ms);
  }
}
