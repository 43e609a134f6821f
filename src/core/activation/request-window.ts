/** At most this many ids are remembered; beyond it every id is looked up in the store. */
const CAPACITY = 65_536;

/** A 53-bit string hash (cyrb53 construction); only ever a reason to ask the store. */
function hash53(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/**
 * Which request ids may be recorded for an actor. Keeps hashes only: `mayHold` false is certain,
 * true means that the store must be asked.
 */
export class RequestWindow {
  #hashes: Set<number> | undefined;
  #complete = true;

  /** Starts over with what the store listed; `undefined` means that it had too many to list. */
  reset(ids: readonly string[] | undefined): void {
    this.#complete = ids !== undefined;
    this.#hashes = undefined;
    if (ids !== undefined) for (const id of ids) this.add(id);
  }

  add(id: string): void {
    if (!this.#complete) return;
    this.#hashes ??= new Set();
    this.#hashes.add(hash53(id));
    if (this.#hashes.size > CAPACITY) {
      this.#complete = false;
      this.#hashes = undefined;
    }
  }

  mayHold(id: string): boolean {
    return !this.#complete || (this.#hashes?.has(hash53(id)) ?? false);
  }
}
