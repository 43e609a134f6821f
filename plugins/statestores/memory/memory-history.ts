import type { ActorId, History, HistoryRow } from "../../../src/contract/index.ts";
import { actorPath } from "../kit/identity.ts";
import type { MemoryRows } from "./memory-rows.ts";

/** Past states, as far as the policies of the commits kept them. */
export class MemoryHistory implements History {
  readonly #rows: MemoryRows;

  constructor(rows: MemoryRows) {
    this.#rows = rows;
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

  #of(actor: ActorId): readonly HistoryRow[] {
    return this.#rows.actors.get(actorPath(actor))?.history ?? [];
  }
}
