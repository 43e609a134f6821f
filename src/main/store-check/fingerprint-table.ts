import { createHash } from "node:crypto";

const FIRST_SLOTS = 1024;
/** Fuller than this, and a search takes many steps. */
const MOST_FULL = 0.7;
const FREE = 0xffff_ffff;

/**
 * Numbers texts in the order of their coming, in some 30 bytes each: it holds 64 bits of a digest
 * and no text. Two of ten million texts are taken for one with a chance of one in 300,000.
 */
export class FingerprintTable {
  #low = new Uint32Array(FIRST_SLOTS);
  #high = new Uint32Array(FIRST_SLOTS);
  #ordinals = new Uint32Array(FIRST_SLOTS).fill(FREE);
  #size = 0;

  /** The number of a text, or `undefined` for one that has not come. */
  ordinalOf(text: string): number | undefined {
    const { low, high } = fingerprint(text);
    const ordinal = this.#ordinals[this.#slotOf(low, high)];
    return ordinal === FREE ? undefined : ordinal;
  }

  /** Takes in a text; `isNew` is false if it has come before. */
  add(text: string): { readonly ordinal: number; readonly isNew: boolean } {
    if (this.#size >= this.#ordinals.length * MOST_FULL) this.#grow();
    const { low, high } = fingerprint(text);
    const slot = this.#slotOf(low, high);
    const found = this.#ordinals[slot] ?? FREE;
    if (found !== FREE) return { ordinal: found, isNew: false };
    const ordinal = this.#size;
    this.#size += 1;
    this.#put(slot, low, high, ordinal);
    return { ordinal, isNew: true };
  }

  /** Where these 64 bits are, or the free slot where they belong. */
  #slotOf(low: number, high: number): number {
    const mask = this.#ordinals.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      if (this.#ordinals[slot] === FREE) return slot;
      if (this.#low[slot] === low && this.#high[slot] === high) return slot;
    }
  }

  #put(slot: number, low: number, high: number, ordinal: number): void {
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#ordinals[slot] = ordinal;
  }

  #grow(): void {
    const [low, high, ordinals] = [this.#low, this.#high, this.#ordinals];
    const slots = ordinals.length * 2;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#ordinals = new Uint32Array(slots).fill(FREE);
    for (const [slot, ordinal] of ordinals.entries()) {
      if (ordinal === FREE) continue;
      const [l = 0, h = 0] = [low[slot], high[slot]];
      this.#put(this.#slotOf(l, h), l, h, ordinal);
    }
  }
}

function fingerprint(text: string): { readonly low: number; readonly high: number } {
  const digest = createHash("sha256").update(text).digest();
  return { low: digest.readUInt32LE(0), high: digest.readUInt32LE(4) };
}
