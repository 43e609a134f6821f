import { JSON_TYPE, type Payload } from "../../domain/invocation.ts";

/** A payload that lies in a buffer: its type, where it begins and how long it is. */
export type PlacedPayload = readonly [type: string, at: number, length: number];

const FIRST_BYTES = 4096;

/** Lays payloads one after another into one growing buffer. */
export class PayloadSpace {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  place({ type, data }: Payload): PlacedPayload {
    const at = this.#length;
    this.#length += data.length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#bytes.set(data, at);
    return [type, at, data.length];
  }

  /** The buffer with everything that was placed; it may be longer. The space is spent. */
  take(): ArrayBuffer {
    return this.#bytes.buffer;
  }
}

/** A view of a placed payload: it keeps the whole buffer in memory. */
export function placedPayload(bytes: ArrayBuffer, [type, at, length]: PlacedPayload): Payload {
  // One text for all of them: every idle actor holds on to the type of its state.
  const known = type === JSON_TYPE ? JSON_TYPE : type;
  return { type: known, data: new Uint8Array(bytes, at, length) };
}

/** A copy of a placed payload, for what outlives its frame by far. */
export function keptPayload(bytes: ArrayBuffer, place: PlacedPayload): Payload {
  const { type, data } = placedPayload(bytes, place);
  return { type, data: data.slice() };
}
