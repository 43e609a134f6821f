import type { ActorId, PortableRow } from "../../contract/index.ts";
import type { SealPurpose } from "../../node/sealer.ts";

/** Sealed bytes of a row with all that they are bound to. */
export interface SealedPart {
  readonly purpose: SealPurpose;
  readonly actor: ActorId;
  readonly revision: number;
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** What is sealed in a row; `undefined` for nothing, and for a row of nobody. */
export function sealedPart(row: PortableRow): SealedPart | undefined {
  switch (row.kind) {
    case "actor": {
      const { actor, revision, state } = row;
      if (state === undefined) return undefined;
      return { purpose: "state", actor, revision, label: state.type, bytes: state.data };
    }
    case "seed":
      return bound("seed", row.owner, 0, "", row.wrapped);
    case "history": {
      const { revision, state } = row.entry;
      return state && bound("history", row.owner, revision, state.type, state.data);
    }
    case "dedup": {
      const { revision, requestId, reply } = row.record;
      // What is left of a reply that was shredded.
      if (reply.length === 0) return undefined;
      return bound("dedup", row.owner, revision, requestId, reply);
    }
    case "outbox":
      return bound("outbox", row.owner, row.message.revision, row.message.id, row.message.body);
    case "schedule":
      return bound("schedule", row.owner, 0, row.name, row.body);
    case "type":
    case "meta":
    case "damaged":
      return undefined;
  }
}

function bound(
  purpose: SealPurpose,
  actor: ActorId | undefined,
  revision: number,
  label: string,
  bytes: Uint8Array,
): SealedPart | undefined {
  return actor && { purpose, actor, revision, label, bytes };
}
