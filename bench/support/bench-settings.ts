/** What the command line asks of every workload. */
export interface BenchSettings {
  /** Length of one measured run. */
  readonly runMs: number;
  /** Interleaved rounds, of which the median counts. */
  readonly rounds: number;
}
