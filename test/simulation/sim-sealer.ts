import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import { ServerError } from "../../src/domain/error.ts";
import type { Sealer, SealPurpose, Seed, SeedMaker } from "../../src/node/sealer.ts";

const encoder = new TextEncoder();
const SEED_BYTES = 8;

/** A seed of the simulation: what was sealed with it opens with it alone. */
class SimSeed implements Seed {
  readonly kind = "seed";
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/**
 * Binds bytes to their place and their seed without hiding them: a mark that says whether there was
 * a seed, a sum over all, and the bytes.
 */
export class SimSealer implements Sealer {
  readonly activeKeyId = new Uint8Array(8);
  readonly checks = [];
  readonly seeds: SeedMaker = {
    make: (actor) => {
      const bytes = this.#random(SEED_BYTES);
      return { seed: new SimSeed(bytes), wrapped: this.seal("seed", actor, 0, "", bytes) };
    },
    open: (actor, wrapped) => new SimSeed(this.open("seed", actor, 0, "", wrapped)),
  };
  readonly #random: (length: number) => Uint8Array;

  /** `random` is where seeds come from; without it all are equal. */
  constructor(random: (length: number) => Uint8Array = (length) => new Uint8Array(length)) {
    this.#random = random;
  }

  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
    seed?: Seed,
  ): Uint8Array {
    const sealed = new Uint8Array(5 + plain.length);
    sealed[0] = seed === undefined ? 1 : 2;
    sealed.set(plain, 5);
    const found = sum(place(purpose, actor, revision, label), bytesOf(seed), plain);
    new DataView(sealed.buffer).setUint32(1, found);
    return sealed;
  }

  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
    seed?: Seed,
  ): Uint8Array {
    const plain = sealed.slice(5);
    const used = sealed[0] === 1 ? undefined : seed;
    const found = new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
    const isLost = sealed[0] === 2 ? used === undefined : sealed[0] !== 1;
    if (isLost || found !== sum(place(purpose, actor, revision, label), bytesOf(used), plain)) {
      throw new ServerError("state.corrupt", "the bytes were sealed for another place", "unknown");
    }
    return plain;
  }
}

function bytesOf(seed: Seed | undefined): Uint8Array {
  return seed instanceof SimSeed ? seed.bytes : new Uint8Array(0);
}

function place(purpose: SealPurpose, actor: ActorId, revision: number, label: string): Uint8Array {
  return encoder.encode(`${purpose}|${actorPath(actor)}|${revision}|${label}`);
}

function sum(...parts: readonly Uint8Array[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    for (const byte of part) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}
