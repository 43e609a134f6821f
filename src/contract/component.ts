/** What every component may have. */
export interface Component {
  /**
   * Connects, migrates, spawns. Called once, before any other method; a rejection stops the boot
   * and everything already started is stopped in reverse. `signal` aborts at the start time-out.
   */
  start?(signal: AbortSignal): Promise<void>;
  /** Flushes and lets go. Safe when never started and when called twice; `signal` bounds it. */
  stop?(signal: AbortSignal): Promise<void>;
}
