import type { PluginHost } from "./host.ts";
import type { Component } from "./component.ts";

/** What a partition tolerance is handed. */
export interface PartitionToleranceHost extends PluginHost {
  /**
   * What was saved last on this node, or `undefined` if nothing ever was. Rejects with `state.corrupt`
   * or `state.unavailable` if it cannot be read; that is never an absence.
   */
  load(): Promise<Uint8Array | undefined>;
  /**
   * Replaces what is saved, whole or not at all; on disk when it resolves. Saves are carried out in
   * the order asked. At most 64 KiB; rejects with `state.too_large` or `state.unavailable`.
   */
  save(bytes: Uint8Array): Promise<void>;
}

/** What the node knows when it asks. */
export interface PartitionView {
  readonly self: string;
  /** Members believed alive, suspect ones and this node included. */
  readonly alive: readonly string[];
  /** Members ever seen and not properly left. */
  readonly known: readonly string[];
  /** Whether the shared store answered within its time-out; `undefined` without a shared store. */
  readonly storeReachable: boolean | undefined;
  /** Members that came since the last question; `alive` has them already. */
  readonly up: readonly string[];
  /** Members that were found dead since the last question. */
  readonly down: readonly string[];
  /** Members that left by their own word since the last question. */
  readonly left: readonly string[];
  /** The decision in force; `undefined` when the node starts. */
  readonly previous: PartitionDecision | undefined;
}

/** `serve`: go on. `partitioned`: answer `node.partitioned` until the next decision. */
export type PartitionDecision =
  | { readonly kind: "serve" }
  | { readonly kind: "partitioned"; readonly reason: string };

/** What members tell each other of what they remember. */
export interface PartitionMemory {
  /** For a member that joins, and for everybody after a change by hand. At most 32 KiB. */
  snapshot(): Uint8Array;
  /**
   * Takes over what another member remembers as far as that counts for more. True if the decision may
   * be another now. What is no snapshot changes nothing; never throws.
   */
  merge(snapshot: Uint8Array): boolean;
}

/** A number of members that must be alive. */
export interface Quorum {
  /** `required`: members that must be alive. `largest`: the size of the cluster it is reckoned from. */
  status(): { readonly required: number; readonly largest: number };
  /**
   * Says by hand how large the cluster is, after which the node asks again and tells the others by
   * `memory`. Resolves when it is saved; rejects with `request.invalid` if `size` is no positive whole
   * number, and then nothing has changed.
   */
  resetSize(size: number): Promise<void>;
}

/** Decides whether this side of a possible partition goes on. */
export interface PartitionTolerance extends Component {
  /**
   * Called when the node starts, on each batch of membership changes and on each change of store
   * reachability, before anything is done about it; one call at a time. Must not wait.
   */
  evaluate(view: PartitionView): PartitionDecision;
  /** Absent if nothing is remembered that others need to know. */
  readonly memory?: PartitionMemory;
  /** Absent if the rule knows no number that could be set by hand. */
  readonly quorum?: Quorum;
}
