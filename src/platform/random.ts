import { getRandomValues } from "node:crypto";
import type { Random } from "../node/ports.ts";

/** `getRandomValues` refuses longer requests (Web Cryptography, section 10.1.1). */
const LARGEST_REQUEST = 65_536;

/** Bytes of the operating system's generator, fit for tokens and identifiers. */
export const systemRandom: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += LARGEST_REQUEST) {
      getRandomValues(bytes.subarray(at, at + LARGEST_REQUEST));
    }
    return bytes;
  },
  unit() {
    const words = getRandomValues(new Uint32Array(2));
    // 53 random bits: every double of the form k / 2^53 is equally likely.
    return ((words[0] ?? 0) * 0x20_0000 + ((words[1] ?? 0) >>> 11)) / 2 ** 53;
  },
};
