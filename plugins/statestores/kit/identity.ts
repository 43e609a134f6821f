import { createHash } from "node:crypto";
import type { ActorId } from "../../../src/contract/index.ts";

/**
 * The identity column of every SQL store: SHA-256 over system, 0, type, 0, key, so 32 bytes whatever
 * the key. Systems and types hold no NUL, which makes the text before the hash injective.
 */
export function actorIdentity(actor: ActorId): Uint8Array {
  return createHash("sha256").update(`${actor.system}\0${actor.type}\0${actor.key}`).digest();
}

/** One injective text per actor: systems and types hold no `/`. */
export function actorPath(actor: ActorId): string {
  return `${actor.system}/${actor.type}/${actor.key}`;
}
