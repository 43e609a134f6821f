import type { ActivationOptions } from "../core/activation/activation.ts";
import type { ActorTypeSpec } from "../domain/actor.ts";
import type { Limits } from "../domain/limits.ts";
import type { Hosts } from "./hosts.ts";
import type { StoreRoom } from "./store-room.ts";

/** What all activations of a type share, so that an idle one holds little besides its state. */
export interface ActivationRules {
  /** `system/type`. */
  readonly typePath: string;
  readonly options: ActivationOptions;
}

const MAX_REVISION = Number.MAX_SAFE_INTEGER;
const AHEAD_TURNS = 1_024;
const AHEAD_BYTES = 8 * 1024 * 1024;

/** Makes the rules of each type once, and again when its settings or its hosts have changed. */
export class RulesByType {
  readonly #hosts: Hosts;
  readonly #limits: Limits;
  readonly #byType = new Map<string, ActivationRules>();

  constructor(hosts: Hosts, limits: Limits) {
    this.#hosts = hosts;
    this.#limits = limits;
  }

  /** `room`: of the type's system, which does not change. */
  of(typePath: string, spec: ActorTypeSpec, room: StoreRoom): ActivationRules {
    const { stateBytes, effectsPerTurn, chainDepth } = this.#limits;
    const chainedTurns = this.#hosts.chainLimit(typePath, this.#limits.chainedTurns);
    const known = this.#byType.get(typePath);
    if (known?.options.spec === spec && known.options.chainedTurns === chainedTurns) return known;
    const options: ActivationOptions = {
      spec,
      fenceReads: !room.store.exclusive,
      chainedTurns,
      chainDepth,
      aheadTurns: AHEAD_TURNS,
      aheadBytes: AHEAD_BYTES,
      turn: { stateBytes, effectsPerTurn, maxRevision: MAX_REVISION, shreds: room.shreds },
    };
    const rules = { typePath, options };
    this.#byType.set(typePath, rules);
    return rules;
  }
}
