import type {
  PartitionDecision,
  PartitionTolerance,
  PartitionView,
} from "../../../src/contract/index.ts";
import { tooFew } from "../kit/too-few.ts";

/**
 * Goes on as long as a fixed number of members is there. A cluster that still grows to that number
 * goes on, unless it has to confirm at its start that it is complete; once it has lost a member, by
 * death or by leaving, and is short, it stops until it is not.
 */
export class StaticQuorumPartitionTolerance implements PartitionTolerance {
  readonly #size: number;
  readonly #startupConfirm: boolean;

  constructor(config: { readonly size: number; readonly startupConfirm: boolean }) {
    this.#size = config.size;
    this.#startupConfirm = config.startupConfirm;
  }

  evaluate({ alive, down, left, previous }: PartitionView): PartitionDecision {
    if (alive.length >= this.#size) return { kind: "serve" };
    const shrank = down.length + left.length > 0;
    const stops =
      previous === undefined ? this.#startupConfirm : shrank || previous.kind === "partitioned";
    return stops ? tooFew(alive.length, `${this.#size} have to be`) : { kind: "serve" };
  }
}
