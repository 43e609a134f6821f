import { assert } from "../../../src/std/assert.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";
import { xxHash64 } from "../../../src/std/hash/xx-hash64.ts";

/** Room for the longest type, the separator and the longest key. */
const BUFFER_BYTES = 63 + 1 + 255;

/**
 * The 64 bits by which an actor is placed: `xxHash64(type ‖ 0x00 ‖ key)` in UTF-8, seed 0. The
 * system takes no part. One instance keeps one buffer, and hands out the same `U64` every time.
 */
export class ActorHash {
  readonly #encoder = new TextEncoder();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #hash: U64 = { hi: 0, lo: 0 };

  of(actor: { readonly type: string; readonly key: string }): U64 {
    const typeBytes = this.#encoder.encodeInto(actor.type, this.#buffer).written;
    this.#buffer[typeBytes] = 0;
    const keyRoom = this.#buffer.subarray(typeBytes + 1);
    const { read, written } = this.#encoder.encodeInto(actor.key, keyRoom);
    assert(read === actor.key.length, "an actor's type and key are within their limits");
    return xxHash64(this.#buffer, typeBytes + 1 + written, 0, this.#hash);
  }
}
