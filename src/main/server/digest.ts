import { createHash } from "node:crypto";
import type { Payload } from "../../domain/invocation.ts";

/** Digest of an action and its payload (SHA-256, first 16 bytes): what makes two calls equal. */
export function callDigest(action: string, payload: Payload): Uint8Array {
  return createHash("sha256")
    .update(action)
    .update("\0")
    .update(payload.type)
    .update("\0")
    .update(payload.data)
    .digest()
    .subarray(0, 16);
}
