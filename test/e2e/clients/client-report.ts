/** What a client saw, in the order in which it did things; the same for every client. */
export interface ClientReport {
  /** Replies to `add 1` twice with one request id. */
  readonly values: readonly unknown[];
  readonly replayed: readonly boolean[];
  /** States seen by `Watch` before and after `add 2`. */
  readonly watched: readonly unknown[];
  /** Replies to ten calls over one `InvokeStream`; `undefined` where the client cannot. */
  readonly streamed: readonly unknown[] | undefined;
  /** `SERVING` is 1. */
  readonly health: number;
  readonly watchedHealth: readonly number[];
  /** Code and outcome of calls that fail. */
  readonly deadline: readonly [string, string];
  readonly canceled: readonly [string, string];
  readonly unknown: readonly [string, string];
  readonly invalid: readonly [string, string];
  readonly state: unknown;
}
