import type {
  PartitionDecision,
  PartitionMemory,
  PartitionTolerance,
  PartitionToleranceHost,
  PartitionView,
} from "../../../src/contract/index.ts";
import { tooFew } from "../kit/too-few.ts";
import { DownLog } from "./down-log.ts";

/**
 * Goes on as long as enough of those that were there lately still are: members by one, with whoever
 * went within the threshold, whether it died or left. Who loses its members one by one, each after
 * more than the threshold, never stops; a planned decrease has to take its time. The log of who went
 * is cleared of what is too old only when members change, so time alone ends no partition.
 */
export class DynamicQuorumPartitionTolerance implements PartitionTolerance {
  readonly memory: PartitionMemory;
  readonly #percent: number;
  readonly #log: DownLog;

  constructor(
    config: { readonly percent: number; readonly threshold: number },
    host: PartitionToleranceHost,
  ) {
    const log = new DownLog(host.clock, config.threshold);
    this.#percent = config.percent;
    this.#log = log;
    this.memory = {
      snapshot: () => log.snapshot(),
      merge(snapshot) {
        log.adopt(snapshot);
        // A longer log counts when members change the next time.
        return false;
      },
    };
  }

  evaluate({ alive, up, down, left, previous }: PartitionView): PartitionDecision {
    if (up.length + down.length + left.length === 0) return previous ?? { kind: "serve" };
    for (const nodeId of [...down, ...left]) this.#log.add(nodeId);
    for (const nodeId of alive) this.#log.remove(nodeId);
    this.#log.prune();
    const counted = alive.length + this.#log.size;
    // Whole numbers: 80 of 100 percent must not be missed by a rounding.
    if (alive.length * 100 >= this.#percent * counted) return { kind: "serve" };
    return tooFew(
      alive.length,
      `of the ${counted} that were there lately ${this.#percent} % have to be`,
    );
  }
}
