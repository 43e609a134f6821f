import type { Activation } from "../core/activation/activation.ts";
import type { ActivationInput } from "../core/activation/effects.ts";
import type { ActorId } from "../domain/actor.ts";
import type { Seed } from "./sealer.ts";

/** One activation as the drivers see it. */
export interface Slot {
  readonly actor: ActorId;
  readonly path: string;
  /** `system/type`. */
  readonly typePath: string;
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
