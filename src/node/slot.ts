import type { Activation } from "../core/activation/activation.ts";
import type { ActivationInput } from "../core/activation/effects.ts";
import type { ActorId } from "../domain/actor.ts";

/** One activation as the drivers see it. */
export interface Slot {
  readonly actor: ActorId;
  readonly path: string;
  /** `system/type`. */
  readonly typePath: string;
  readonly activation: Activation;
  /** The newest call when it was made: older calls belong to an activation before it. */
  readonly olderCalls: number;
  /** It waits in its lane of the committer. */
  staged: boolean;
}

/** Gives an activation its input and performs what it asks for. */
export type StepSlot = (slot: Slot, input: ActivationInput) => void;
