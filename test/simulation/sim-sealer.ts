import { type ActorId, actorPath } from "../../src/domain/actor.ts";
import { ServerError } from "../../src/domain/error.ts";
import type { Sealer, SealPurpose } from "../../src/node/sealer.ts";

const encoder = new TextEncoder();

/** Binds bytes to their place without hiding them: a place, a sum over both, and the bytes. */
export class SimSealer implements Sealer {
  readonly activeKeyId = new Uint8Array(8);
  readonly checks = [];

  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
  ): Uint8Array {
    const sealed = new Uint8Array(4 + plain.length);
    sealed.set(plain, 4);
    new DataView(sealed.buffer).setUint32(0, sum(place(purpose, actor, revision, label), plain));
    return sealed;
  }

  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
  ): Uint8Array {
    const plain = sealed.slice(4);
    const found = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
    if (found !== sum(place(purpose, actor, revision, label), plain)) {
      throw new ServerError("state.corrupt", "the bytes were sealed for another place", "unknown");
    }
    return plain;
  }
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
