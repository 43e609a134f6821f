import { createHash } from "node:crypto";
import type { ActorId, Statestore } from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import type { FileRow } from "./row-record.ts";

type ActorRow = Extract<FileRow, { readonly kind: "actor" }>;

/** How many actors are asked for at once. */
const AT_ONCE = 64;

/**
 * Chooses what of a file goes into a store that has rows already: an actor replaces another at a
 * lower (epoch, revision), with all that belongs to it; types and named values that are there stay.
 * Holds some 80 bytes for each actor that is passed over.
 */
export class RowMerge {
  readonly #store: Statestore;
  readonly #passedOver = new Set<string>();
  #types: ReadonlySet<string> | undefined;

  constructor(store: Statestore) {
    this.#store = store;
  }

  /** The rows that are to be written. Pages come in the order of the file, actors first. */
  async choose(rows: readonly FileRow[]): Promise<FileRow[]> {
    const actors = rows.filter((row) => row.kind === "actor");
    await this.#compare(actors);
    const chosen: FileRow[] = [];
    for (const row of rows) if (await this.#isWanted(row)) chosen.push(row);
    return chosen;
  }

  async #isWanted(row: FileRow): Promise<boolean> {
    switch (row.kind) {
      case "type":
        this.#types ??= new Set((await this.#store.types.list()).map(typeName));
        return !this.#types.has(typeName(row.spec));
      case "meta":
        return (await this.#store.meta.get(row.name)) === undefined;
      case "actor":
        return !this.#passedOver.has(fingerprint(row.actor));
      default:
        return row.owner === undefined || !this.#passedOver.has(fingerprint(row.owner));
    }
  }

  async #compare(actors: readonly ActorRow[]): Promise<void> {
    if (actors.length === 0) return;
    const epochs = await this.#store.epochs(actors.map(({ actor }) => actor));
    const there = actors.flatMap((row, index) => {
      const epoch = epochs[index];
      return epoch === undefined ? [] : [{ row, epoch }];
    });
    for (let at = 0; at < there.length; at += AT_ONCE) {
      const some = there.slice(at, at + AT_ONCE);
      await Promise.all(some.map(({ row, epoch }) => this.#compareOne(row, epoch)));
    }
  }

  async #compareOne(row: ActorRow, epoch: number): Promise<void> {
    const { actor } = row;
    const revision = epoch === row.epoch ? ((await this.#store.read(actor))?.revision ?? 0) : 0;
    const ahead = epoch - row.epoch || revision - row.revision;
    if (ahead > 0) this.#passedOver.add(fingerprint(actor));
    // At the same position the row was written by an earlier try, and what belongs to it may be, too.
    if (ahead < 0) await this.#dropSchedules(actor);
  }

  /** Those that the newer state has cancelled would fire for ever; the others follow in the file. */
  async #dropSchedules(actor: ActorId): Promise<void> {
    const { schedules } = this.#store;
    const rows = (await schedules?.list(actor)) ?? [];
    await Promise.all(rows.map(({ rowId, dueMs }) => schedules?.ack(rowId, dueMs, undefined)));
  }
}

function typeName({ system, type }: { readonly system: string; readonly type: string }): string {
  return `${system}/${type}`;
}

/** 16 bytes of a digest: the path itself may be long. */
function fingerprint(actor: ActorId): string {
  return createHash("sha256").update(actorPath(actor)).digest("latin1").slice(0, 16);
}
