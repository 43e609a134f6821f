/** How a call travels. */
export type Wire =
  | "json-route"
  | "restate"
  | "connect-json"
  | "connect-proto"
  | "grpc"
  | "grpc-web";

/** What one load process does, given as JSON in its first argument. */
export interface LoadOptions {
  readonly port: number;
  readonly wire: Wire;
  readonly http: 1 | 2;
  readonly connections: number;
  /** Calls under way on each connection; over HTTP/1.1 always one. */
  readonly inFlight: number;
  readonly warmMs: number;
  readonly runMs: number;
  readonly type: string;
  readonly action: string;
  /** Keys begin with this, so that runs against one server do not share actors. */
  readonly prefix: string;
  /** Actors that are called in a random order; 0 calls a new one every time. */
  readonly keys: number;
  /**
   * `count`: every reply is a count of its actor that no other reply was, and in the end each
   * actor's count is the number of calls it answered. `status`: the reply says that all is well.
   */
  readonly check: "count" | "status";
  /** Ends after this many calls instead of after `runMs`; 0 for no such end. */
  readonly calls: number;
  /** Processes whose CPU time is measured. */
  readonly pids: readonly number[];
}

/** What a load process prints as its last line, in JSON. Times in milliseconds. */
export interface LoadResult {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Answers that were not what they must be; a run with any does not count. */
  readonly wrong: number;
  readonly firstWrong: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of each of `pids` while the calls were counted. */
  readonly cpuMs: readonly number[];
  /** The share of the first thread in the first of them. */
  readonly mainCpuMs: number;
  readonly ownCpuMs: number;
}
