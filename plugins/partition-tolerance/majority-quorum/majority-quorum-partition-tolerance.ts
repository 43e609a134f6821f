import type {
  PartitionDecision,
  PartitionMemory,
  PartitionTolerance,
  PartitionToleranceHost,
  PartitionView,
  Quorum,
} from "../../../src/contract/index.ts";
import { tooFew } from "../kit/too-few.ts";
import { type ClusterSize, isWhole, mergeSizes, readSize, writeSize } from "./cluster-size.ts";

/**
 * Goes on with more than half of the largest cluster ever seen, so that of two sides at most one does.
 * The largest size is saved and told to others; a cluster that is to be smaller for good is told so
 * by hand.
 */
export class MajorityQuorumPartitionTolerance implements PartitionTolerance {
  readonly memory: PartitionMemory;
  readonly quorum: Quorum;
  readonly #track: boolean;
  readonly #host: PartitionToleranceHost;
  #size: ClusterSize;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    config: { readonly initialClusterSize: number; readonly trackMaxSize: boolean },
    host: PartitionToleranceHost,
  ) {
    this.#track = config.trackMaxSize;
    this.#host = host;
    this.#size = { resets: 0, largest: config.initialClusterSize };
    this.memory = {
      snapshot: () => writeSize(this.#size),
      merge: (snapshot) => this.#merge(snapshot),
    };
    this.quorum = {
      status: () => ({ required: this.#required(), largest: this.#size.largest }),
      resetSize: (size) => this.#reset(size),
    };
  }

  async start(): Promise<void> {
    const bytes = await this.#host.load();
    if (bytes === undefined) return;
    const saved = readSize(bytes);
    if (saved === undefined) {
      const message = "the saved size of the cluster cannot be read";
      const hint = "remove the file of the plug-in in the data directory if the cluster is whole";
      throw this.#host.error("state.corrupt", message, "not_started", { hint });
    }
    // Without tracking only what was set by hand outlives the process.
    if (this.#track || saved.resets > 0) this.#size = mergeSizes(this.#size, saved);
  }

  async stop(): Promise<void> {
    await this.#saving;
  }

  evaluate({ alive }: PartitionView): PartitionDecision {
    if (this.#track && alive.length > this.#size.largest) {
      this.#keep({ ...this.#size, largest: alive.length });
    }
    const required = this.#required();
    if (alive.length >= required) return { kind: "serve" };
    return tooFew(alive.length, `${required} of ${this.#size.largest} have to be`);
  }

  #required(): number {
    return Math.floor(this.#size.largest / 2) + 1;
  }

  #merge(snapshot: Uint8Array): boolean {
    const told = readSize(snapshot);
    if (told === undefined || (!this.#track && told.resets === 0)) return false;
    const merged = mergeSizes(this.#size, told);
    if (merged === this.#size) return false;
    this.#keep(merged);
    return true;
  }

  async #reset(size: number): Promise<void> {
    if (!isWhole(size, 1)) {
      const message = "the size of the cluster must be a positive whole number";
      throw this.#host.error("request.invalid", message, "not_started");
    }
    const before = this.#size;
    const set = { resets: before.resets + 1, largest: size };
    this.#size = set;
    try {
      await this.#host.save(writeSize(set));
    } catch (error) {
      // Whatever grew meanwhile grew on the size that is now taken back.
      if (this.#size.resets === set.resets) {
        this.#size = { ...before, largest: Math.max(before.largest, this.#size.largest) };
      }
      throw error;
    }
  }

  /** The size counts from now on; a save that fails is told and tried with the next change. */
  #keep(size: ClusterSize): void {
    this.#size = size;
    this.#saving = this.#host.save(writeSize(size)).then(
      () => this.#host.report("ok"),
      (error: unknown) => {
        this.#host.log.warn("cluster_size.not_saved", { error });
        this.#host.report("degraded", "the size of the cluster could not be saved");
      },
    );
  }
}
