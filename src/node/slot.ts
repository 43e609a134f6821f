import { Activation } from "../core/activation/activation.ts";
import type { ActivationInput } from "../core/activation/effects.ts";
import type { Position } from "../core/activation/position.ts";
import type { ActorId } from "../domain/actor.ts";
import type { ActivationRules } from "./activation-rules.ts";
import type { Seed } from "./sealer.ts";
import type { StoreRoom } from "./store-room.ts";

/** One activation as the drivers see it. */
export interface Slot {
  readonly actor: ActorId;
  readonly path: string;
  /** `system/type`. */
  readonly typePath: string;
  /** Where its state lives. */
  readonly room: StoreRoom;
  readonly activation: Activation;
  /** What is stored of the actor is sealed with it; `undefined` while nothing is, or without seeds. */
  seed: Seed | undefined;
  /** The seed once the commit under way has been taken. */
  stagedSeed: Seed | undefined;
  /** A bug of ours broke it: it hears nothing any more, and its calls end at their deadlines. */
  broken: boolean;
  /** It waits in its lane of the committer. */
  staged: boolean;
}

/** Gives an activation its input and performs what it asks for. */
export type StepSlot = (slot: Slot, input: ActivationInput) => void;

/**
 * A new activation, cold. Its names are shared with its type and its path: a key that was cut out of a
 * request would keep the whole text of the request in memory.
 */
export function makeSlot(
  { key }: ActorId,
  path: string,
  { typePath, options }: ActivationRules,
  room: StoreRoom,
): Slot {
  const { system, type } = options.spec;
  const actor = { system, type, key: path.slice(path.length - key.length) };
  const activation = new Activation(actor, options);
  const seeds = { seed: undefined, stagedSeed: undefined };
  return { actor, path, typePath, room, activation, ...seeds, staged: false, broken: false };
}

/** How far the activation knows its actor to have come in the store. */
export function positionOf({ activation }: Slot): Position {
  return { epoch: activation.epoch, revision: activation.committed.revision };
}
