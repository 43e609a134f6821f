import type { Outcome } from "../../../src/domain/error.ts";
import type { Attempt, Op } from "../../simulation/history.ts";
import { callJson } from "./json-calls.ts";

/** How long one attempt may take before it is repeated. */
const ATTEMPT_MS = 5_000;
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  OUTCOME_NOT_STARTED: "not_started",
  OUTCOME_NOT_APPLIED: "not_applied",
  OUTCOME_UNKNOWN: "unknown",
};

/**
 * Clients that append to ledgers until they are stopped, one call at a time each. A call is repeated
 * with its request id until it is answered, through any number of deaths of the server.
 */
export class LedgerLoad {
  readonly ops: Op[] = [];
  readonly #urls: readonly string[];
  readonly #onAcknowledged: (ms: number) => void;
  #stamp = 0;
  #acknowledged = 0;
  readonly #byKey = new Map<string, number>();
  #repeated = 0;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  /** With several addresses a caller goes to the next one when a connection ends unanswered. */
  constructor(url: string | readonly string[], onAcknowledged: (ms: number) => void = () => {}) {
    this.#urls = typeof url === "string" ? [url] : url;
    this.#onAcknowledged = onAcknowledged;
  }

  /** Calls that were answered with OK so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The same of one ledger. */
  acknowledgedBy(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  /** Attempts that nobody answered: the fault was felt. */
  get repeated(): number {
    return this.#repeated;
  }

  start(keys: readonly string[], callersEach: number): void {
    const callers = keys.flatMap((key) =>
      Array.from({ length: callersEach }, (_, i) => this.#call(key, i)),
    );
    this.#running = Promise.all(callers);
  }

  /** Resolves when every call that began has its answer. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #call(key: string, caller: number): Promise<void> {
    let at = caller;
    for (let n = 0; !this.#stopping; n += 1) {
      const id = `${key}-${caller}-${n}`;
      const attempts: Attempt[] = [];
      const actor = { system: "default", type: "ledger", key };
      const callStamp = this.#next();
      const named = { actor, action: "append", argument: id, requestId: id, isAbuse: false };
      this.ops.push({ id, ...named, callStamp, attempts });
      for (;;) {
        const outcome = await this.#attempt(key, id, attempts, at);
        if (outcome === "ok") break;
        if (outcome === "dead") at += 1;
      }
    }
  }

  async #attempt(
    key: string,
    id: string,
    attempts: Attempt[],
    at: number,
  ): Promise<"ok" | "refused" | "dead"> {
    const url = this.#urls[at % this.#urls.length] ?? "";
    const begun = performance.now();
    const attempt: Attempt = { node: "", heard: [] };
    attempts.push(attempt);
    try {
      const headers = { "idempotency-key": id, "x-troupe-deadline-ms": String(ATTEMPT_MS) };
      const answer = await callJson(url, `ledger/${key}/append`, id, headers);
      const stamp = this.#next();
      if (answer.status === 200) {
        const { value, revision, replayed } = answer;
        attempt.heard.push({ kind: "ok", stamp, value, revision, replayed, node: "" });
        this.#acknowledged += 1;
        this.#byKey.set(key, this.acknowledgedBy(key) + 1);
        this.#onAcknowledged(performance.now() - begun);
        return "ok";
      }
      const said = outcomeOf(answer.value) ?? "";
      const outcome = OUTCOMES[said] ?? "unknown";
      const code = "state.unavailable";
      attempt.heard.push({ kind: "error", stamp, code, outcome, owner: undefined, node: "" });
      this.#repeated += 1;
      return "refused";
    } catch {
      // The connection ended without an answer.
      this.#repeated += 1;
      return "dead";
    }
  }

  #next(): number {
    this.#stamp += 1;
    return this.#stamp;
  }
}

/** The outcome that an error in JSON names. */
export function outcomeOf(value: unknown): string | undefined {
  const { details } = value as { details?: readonly { debug?: { outcome?: string } }[] };
  return details?.find(({ debug }) => debug?.outcome !== undefined)?.debug?.outcome;
}
