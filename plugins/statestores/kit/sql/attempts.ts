import type { Outcome, ServerError, StatestoreHost } from "../../../../src/contract/index.ts";
import { raise, StoreFailure } from "../failure.ts";
import { SqlError } from "./sql-client.ts";

/**
 * `repeat`: done twice it is as if done once, so it is repeated even if the first try may have been
 * applied. `once`: such a try ends it, with outcome `unknown`.
 */
export type AttemptKind = "repeat" | "once";

const BUSY_RETRY_MS = 100;
const AWAY_RETRY_MS = 500;
const FULL_RETRY_MS = 5_000;
/** Pauses between tries grow from the first to the last; half of each is random. */
const RETRY_PAUSE_MS = { first: 4, last: 100 } as const;
const AWAY_PAUSE_MS = { first: 20, last: 250 } as const;

/**
 * Runs what goes to the server until it succeeds, as often and as long as the host allows, and says
 * what a failure means in the server's words. Refuses everything before `open` and after `close`.
 */
export class Attempts {
  readonly #host: StatestoreHost;
  #isOpen = false;
  #underWay = 0;
  #idle: (() => void)[] = [];
  #isAway = false;
  #isRefusing = false;

  constructor(host: StatestoreHost) {
    this.#host = host;
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Refuses what comes; resolves when nothing is under way, or when `signal` aborts. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isOpen = false;
    if (this.#underWay === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener("abort", () => resolve());
    });
  }

  async run<T>(kind: AttemptKind, body: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw raise(this.#host, notOpen());
    this.#underWay += 1;
    try {
      const answer = await this.#repeat(kind, body);
      if (this.#isAway) this.#report(false, this.#isRefusing, "");
      return answer;
    } catch (error) {
      throw this.#failure(error, kind);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** As `run` for a commit, which alone says whether the store takes writes. */
  async commit<T>(body: () => Promise<T>): Promise<T> {
    try {
      const answer = await this.run("once", body);
      if (this.#isRefusing) this.#report(this.#isAway, false, "");
      return answer;
    } catch (error) {
      const detail = error instanceof Error ? error.message : "";
      if (!this.#isRefusing) this.#report(this.#isAway, true, detail);
      throw error;
    }
  }

  /** The server's error for what a table found. */
  raise(failure: StoreFailure): ServerError {
    return raise(this.#host, failure.failure);
  }

  async #repeat<T>(kind: AttemptKind, body: () => Promise<T>): Promise<T> {
    const { clock, queryTimeoutMs, transactionTries } = this.#host;
    const deadline = clock.now() + queryTimeoutMs;
    let refusals = 0;
    for (let tries = 0; ; tries += 1) {
      try {
        return await body();
      } catch (error) {
        if (!(error instanceof SqlError) || (kind === "once" && error.mayHaveCommitted))
          throw error;
        const isAway = error.kind === "unreachable" || error.kind === "lost";
        const isRefused = error.kind === "retry" || error.kind === "duplicate";
        if (isRefused) refusals += 1;
        const mayRepeat = isAway || (isRefused && refusals < transactionTries);
        if (!mayRepeat || !this.#isOpen) throw error;
        const pause = isAway ? AWAY_PAUSE_MS : RETRY_PAUSE_MS;
        const longest = Math.min(pause.last, pause.first * 2 ** Math.min(tries, 10));
        const pauseMs = longest * (0.5 + this.#host.random.unit() / 2);
        if (clock.now() + pauseMs > deadline) throw error;
        await new Promise<void>((resolve) => void clock.setTimer(pauseMs, resolve));
      }
    }
  }

  #failure(error: unknown, kind: AttemptKind): ServerError {
    if (error instanceof StoreFailure) return raise(this.#host, error.failure);
    if (!(error instanceof SqlError)) {
      const message = "the statestore failed";
      return this.#host.error("internal.bug", message, "unknown", { cause: error });
    }
    const isAway = error.kind === "unreachable" || error.kind === "lost";
    if (isAway && !this.#isAway) this.#report(true, this.#isRefusing, error.message);
    const outcome = kind === "once" && error.mayHaveCommitted ? "unknown" : "not_applied";
    return raise(this.#host, sqlFailure(error, outcome));
  }

  #report(isAway: boolean, isRefusing: boolean, detail: string): void {
    this.#isAway = isAway;
    this.#isRefusing = isRefusing;
    if (isAway || isRefusing) this.#host.report("degraded", detail);
    else this.#host.report("ok");
  }
}

/** What a failure of a server is to whoever called the store. */
export function sqlFailure(error: SqlError, outcome: Outcome): StoreFailure["failure"] {
  const unavailable = (message: string, reason: string, retryAfterMs: number) =>
    new StoreFailure("state.unavailable", message, outcome, {
      reason,
      retryAfterMs,
      cause: error.message,
    }).failure;
  switch (error.kind) {
    case "unreachable":
    case "lost":
      return unavailable("the statestore cannot be reached", "STORE_UNREACHABLE", AWAY_RETRY_MS);
    case "busy":
      return unavailable("all connections are in use", "STORE_CONNECTIONS", AWAY_RETRY_MS);
    case "timeout":
      return unavailable("the statestore did not answer in time", "STORE_TIMEOUT", AWAY_RETRY_MS);
    case "retry":
    case "duplicate":
      return unavailable("the statestore is contended", "STORE_BUSY", BUSY_RETRY_MS);
    case "full":
      return unavailable("the statestore is full", "STORE_FULL", FULL_RETRY_MS);
    case "login":
    case "tls":
      return unavailable("the statestore refuses this node", "STORE_LOGIN", FULL_RETRY_MS);
    case "permission":
      return unavailable("the statestore denies a permission", "STORE_PERMISSION", FULL_RETRY_MS);
    case "schema":
    case "other": {
      const message = `the statestore refused a statement (${error.serverCode})`;
      return new StoreFailure("internal.bug", message, outcome, { cause: error.message }).failure;
    }
  }
}

function notOpen(): StoreFailure["failure"] {
  const message = "the statestore is not started";
  return new StoreFailure("state.unavailable", message, "not_applied", {
    reason: "STORE_STOPPED",
  }).failure;
}
