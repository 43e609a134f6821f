import type { ActorId, PortableRow, Statestore } from "../../contract/index.ts";
import { actorPath } from "../../domain/actor.ts";
import { isServerError } from "../../domain/error.ts";
import type { Sealer, Seed } from "../../node/sealer.ts";
import { INTERNAL_SYSTEM } from "../../domain/actor.ts";
import { envelopeKeyId } from "../../platform/envelope-key-id.ts";
import { type SealedPart, sealedPart } from "./sealed-parts.ts";

/** What became of a row's sealed bytes. */
export interface Opened {
  /** Id of the key that they name; `undefined` for what is no envelope. */
  readonly keyId: string | undefined;
  /** Why they do not open, or `undefined` if they do or nobody tried. */
  readonly reason: string | undefined;
}

/** Tries whether sealed bytes open in their place; nothing that is opened is kept. */
export class RowOpener {
  readonly #store: Statestore;
  readonly #sealer: Sealer | undefined;

  /** Without a sealer keys are counted and nothing is opened. */
  constructor(store: Statestore, sealer: Sealer | undefined) {
    this.#store = store;
    this.#sealer = sealer;
  }

  /** One answer per row, in order; `undefined` for a row with nothing sealed in it. */
  async open(rows: readonly PortableRow[]): Promise<readonly (Opened | undefined)[]> {
    const parts = rows.map((row) => {
      const part = sealedPart(row);
      // The node tests the store on actors of its own, with bytes of its own.
      return part?.actor.system === INTERNAL_SYSTEM ? undefined : part;
    });
    const seeds = await this.#seedsFor(parts);
    return parts.map((part) => {
      if (part === undefined) return undefined;
      return { keyId: envelopeKeyId(part.bytes), reason: this.#reason(part, seeds) };
    });
  }

  #reason(part: SealedPart, seeds: ReadonlyMap<string, Uint8Array>): string | undefined {
    const sealer = this.#sealer;
    if (sealer === undefined) return undefined;
    const { purpose, actor, revision, label, bytes } = part;
    try {
      if (purpose === "seed") {
        sealer.seeds?.open(actor, bytes);
      } else {
        const wrapped = seeds.get(actorPath(actor));
        const seed: Seed | undefined = wrapped && sealer.seeds?.open(actor, wrapped);
        sealer.open(purpose, actor, revision, label, bytes, seed);
      }
      return undefined;
    } catch (error) {
      if (!isServerError(error)) throw error;
      return error.details.reason ?? "STATE_UNREADABLE";
    }
  }

  async #seedsFor(
    parts: readonly (SealedPart | undefined)[],
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const { seeds } = this.#store;
    const found = new Map<string, Uint8Array>();
    if (seeds === undefined || this.#sealer?.seeds === undefined) return found;
    const actors = new Map<string, ActorId>();
    for (const part of parts) if (part !== undefined) actors.set(actorPath(part.actor), part.actor);
    const wrapped = await seeds.find([...actors.values()]);
    for (const [index, path] of [...actors.keys()].entries()) {
      const one = wrapped[index];
      if (one !== undefined) found.set(path, one);
    }
    return found;
  }
}
