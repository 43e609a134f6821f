import type { ActorId, StoredState, StringMap } from "../../../../src/contract/index.ts";
import { decodeTags, positionDamage } from "../row-codec.ts";
import { cleanTextOf, integerOf, textOf } from "./row-values.ts";
import type { SqlValue } from "./sql-client.ts";

/** The columns of `actors` that `readActorRow` wants, in their order. */
export const ACTOR_COLUMNS = [
  "actor_system",
  "actor_type",
  "actor_key",
  "epoch",
  "revision",
  "tags",
  "state_type",
  "state",
] as const;

/** An actor's row once everything in it has been found sound. */
export interface SoundActor {
  readonly epoch: number;
  readonly revision: number;
  readonly state: StoredState | undefined;
  readonly tags: StringMap;
}

/** Reads a row in `ACTOR_COLUMNS`; a text says why it cannot be served. */
export function readActorRow(row: readonly SqlValue[], actor: ActorId): SoundActor | string {
  const [system, type, key, ...rest] = row;
  const isTheirs = system === actor.system && type === actor.type && textOf(key) === actor.key;
  return isTheirs ? readStanding(rest) : "ROW_MISMATCH";
}

/** Reads epoch, revision, tags, type and state; a text says why they cannot be served. */
export function readStanding(values: readonly SqlValue[]): SoundActor | string {
  const [epoch, revision, tagsText, stateType = null, data = null] = values;
  const damage = positionDamage(integerOf(epoch), integerOf(revision), data !== null);
  if (damage !== undefined) return damage;
  const tags = decodeTags(tagsText);
  if (tags === undefined) return "TAGS_UNREADABLE";
  let state: StoredState | undefined;
  if (data !== null || stateType !== null) {
    const type = cleanTextOf(stateType);
    if (!(data instanceof Uint8Array) || type === undefined) return "STATE_UNREADABLE";
    state = { data, type };
  }
  return { epoch: Number(epoch), revision: Number(revision), state, tags };
}
