import { Prng } from "../../support/prng.ts";

/**
 * A generator for one concern of one run: another draw in one concern does not shift the others.
 */
export function seeded(seed: number, concern: string): Prng {
  let hash = seed | 0;
  for (let i = 0; i < concern.length; i += 1) {
    hash = Math.imul(hash ^ concern.charCodeAt(i), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return new Prng(Math.imul(hash, 0xc2b2ae35) ^ (hash >>> 16));
}

/** A rolling hash of 64 bits over everything that happens: two runs of one seed must agree. */
export class ReplayHash {
  #a = 0x811c9dc5;
  #b = 0x01000193;

  word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul(this.#b ^ (value + this.#a), 0x85ebca6b);
  }

  bytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 1) {
      this.#a = Math.imul(this.#a ^ (bytes[i] ?? 0), 0x01000193);
    }
    this.word(bytes.length);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i += 1) this.word(text.charCodeAt(i));
  }

  get hex(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
