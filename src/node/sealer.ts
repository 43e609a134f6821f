import type { ActorId } from "../domain/actor.ts";

/** What the sealed bytes are; bytes of one purpose cannot be passed off as another's. */
export type SealPurpose = "state" | "history" | "dedup" | "outbox" | "schedule" | "check";

/**
 * Seals what goes into the statestore and opens what comes out. Sealed bytes are bound to their
 * place: purpose, cluster, actor, revision and label (payload type, request id …) must be the same.
 */
export interface Sealer {
  /** Key id (8 bytes) under which new bytes are sealed. */
  readonly activeKeyId: Uint8Array;
  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
  ): Uint8Array;
  /** Throws `ServerError` `state.corrupt` for bytes that are not what was sealed for this place. */
  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
  ): Uint8Array;
}
