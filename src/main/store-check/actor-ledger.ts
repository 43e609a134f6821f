import type { ActorId } from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import { FingerprintTable } from "./fingerprint-table.ts";

const FIRST_ENTRIES = 1024;

/** What is known of an actor; revisions are 0 where there is none. */
export interface LedgerEntry {
  /** As the actor's row has it. */
  readonly revision: number;
  /** The newest past state that has come. */
  readonly past: number;
}

/** Where every actor of a store stands, in some 50 bytes each. */
export class ActorLedger {
  readonly #table = new FingerprintTable();
  #revisions = new Float64Array(FIRST_ENTRIES);
  #pasts = new Float64Array(FIRST_ENTRIES);

  /** Takes in an actor's row; false if one of this name has come before. */
  add(actor: ActorId, revision: number): boolean {
    const { ordinal, isNew } = this.#table.add(actorPath(actor));
    this.#reserve(ordinal);
    if (isNew) this.#revisions[ordinal] = revision;
    return isNew;
  }

  /** Takes in a past state; answers how the actor stood before, or `undefined` for one without a row. */
  addPast(actor: ActorId, revision: number): LedgerEntry | undefined {
    const ordinal = this.#table.ordinalOf(actorPath(actor));
    if (ordinal === undefined) return undefined;
    const before = this.#at(ordinal);
    this.#pasts[ordinal] = Math.max(before.past, revision);
    return before;
  }

  find(actor: ActorId): LedgerEntry | undefined {
    const ordinal = this.#table.ordinalOf(actorPath(actor));
    return ordinal === undefined ? undefined : this.#at(ordinal);
  }

  /** True if some actor has past states, and none of its last revision. */
  someLag(): boolean {
    return this.#pasts.some((past, ordinal) => past > 0 && past < (this.#revisions[ordinal] ?? 0));
  }

  #at(ordinal: number): LedgerEntry {
    return { revision: this.#revisions[ordinal] ?? 0, past: this.#pasts[ordinal] ?? 0 };
  }

  #reserve(ordinal: number): void {
    if (ordinal < this.#revisions.length) return;
    this.#revisions = grown(this.#revisions);
    this.#pasts = grown(this.#pasts);
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(values.length * 2);
  more.set(values);
  return more;
}
