/** How long a member has to be alive before it is given actors. All in milliseconds. */
export interface SettleOptions {
  /** For a member that has not died lately. */
  readonly settleMs: number;
  /** The most that it grows to: it doubles with each return. */
  readonly maxSettleMs: number;
  /** A return after a death longer ago than this is no flapping. */
  readonly flapWindowMs: number;
}

/** The documented defaults: 5 s, doubling to 300 s for whoever returns within 10 minutes. */
export const SETTLE_DEFAULTS: SettleOptions = Object.freeze({
  settleMs: 5_000,
  maxSettleMs: 300_000,
  flapWindowMs: 600_000,
});

/** Members that have gone and are remembered for their flapping; the longest gone is forgotten. */
const REMEMBERED = 4_096;

interface Presence {
  readonly settledAtMs: number;
  /** When it is old enough by its age alone. */
  readonly agedAtMs: number;
  readonly returns: number;
}

interface Absence {
  readonly sinceMs: number;
  readonly returns: number;
}

/**
 * Who has been alive for long enough. A member that keeps dying and returning would otherwise draw
 * actors with every return and lose them again. As long as nobody has, the cluster is forming, and
 * whoever comes then is taken at once. Times are monotonic and given by the caller.
 */
export class Settling {
  readonly #options: SettleOptions;
  readonly #present = new Map<string, Presence>();
  readonly #absent = new Map<string, Absence>();

  constructor(options: SettleOptions = SETTLE_DEFAULTS) {
    this.#options = options;
  }

  /**
   * The member is alive. `aliveForMs` is for how long others have known it alive: who joins a cluster
   * takes their word, and does not think everybody new.
   */
  up(nodeId: string, nowMs: number, aliveForMs = 0): void {
    const { settleMs, maxSettleMs, flapWindowMs } = this.#options;
    const before = this.#absent.get(nodeId);
    this.#absent.delete(nodeId);
    const flaps = before !== undefined && nowMs - before.sinceMs <= flapWindowMs;
    const returns = flaps ? before.returns + 1 : 0;
    const waitMs = Math.min(maxSettleMs, settleMs * 2 ** Math.min(returns, 30));
    const agedAtMs = nowMs + waitMs - aliveForMs;
    const forming = ![...this.#present.values()].some((each) => each.agedAtMs <= nowMs);
    this.#present.set(nodeId, { settledAtMs: forming ? nowMs : agedAtMs, agedAtMs, returns });
  }

  /** The member died. Who left by its own word does not flap, and is forgotten by `left`. */
  died(nodeId: string, nowMs: number): void {
    const was = this.#present.get(nodeId);
    if (was === undefined) return;
    this.#present.delete(nodeId);
    this.#absent.delete(nodeId);
    this.#absent.set(nodeId, { sinceMs: nowMs, returns: was.returns });
    const [longest] = this.#absent.keys();
    if (this.#absent.size > REMEMBERED && longest !== undefined) this.#absent.delete(longest);
  }

  left(nodeId: string): void {
    this.#present.delete(nodeId);
  }

  /** True if the member may be given actors as far as time goes. */
  isSettled(nodeId: string, nowMs: number): boolean {
    const presence = this.#present.get(nodeId);
    return presence !== undefined && nowMs >= presence.settledAtMs;
  }

  /** When the next member settles, or `undefined` if all have. */
  nextAtMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { settledAtMs } of this.#present.values()) {
      if (settledAtMs > nowMs && (next === undefined || settledAtMs < next)) next = settledAtMs;
    }
    return next;
  }
}
