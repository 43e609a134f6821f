import { StoreFailure } from "../kit/failure.ts";
import { callIdOf } from "./commit-frame.ts";
import type { SqlDriver } from "./driver.ts";
import { SQLITE_CALLS, type SqliteAnswer, type SqliteRequest } from "./sqlite-calls.ts";
import { migrateStore, planStore } from "./open-store.ts";
import { SqliteEngine } from "./sqlite-engine.ts";

/** The side of a worker that this file needs; the same on every runtime. */
interface WorkerScope {
  onmessage: ((event: { readonly data: SqliteRequest | ArrayBuffer }) => void) | null;
  postMessage(answer: SqliteAnswer | ArrayBuffer, transfer?: readonly ArrayBuffer[]): void;
}

type OpenRequest = Extract<SqliteRequest, { readonly kind: "open" }>;

const scope = globalThis as unknown as WorkerScope;

async function loadDriver(): Promise<SqlDriver> {
  if ("Bun" in globalThis) return (await import("./driver-bun.ts")).bunDriver;
  return (await import("./driver-node.ts")).nodeDriver;
}

/** Serves one store for as long as the thread lives. */
class SqliteThread {
  #engine: SqliteEngine | undefined;

  receive(data: SqliteRequest | ArrayBuffer): void {
    if (data instanceof ArrayBuffer) this.#commit(data);
    else if (data.kind === "open") void this.#open(data);
    else this.#answer(data.id, () => this.#serve(data));
  }

  async #open({ id, work, options }: OpenRequest): Promise<void> {
    try {
      const driver = await loadDriver();
      this.#answer(id, () => {
        if (work === "plan") return planStore(driver, options);
        if (work === "migrate") return migrateStore(driver, options);
        this.#engine = new SqliteEngine(driver, options);
        return undefined;
      });
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #serve(request: Exclude<SqliteRequest, OpenRequest>): unknown {
    const engine = this.#engine;
    if (request.kind === "stop") {
      this.#engine = undefined;
      engine?.close();
      return undefined;
    }
    // Both sides share one table of types, which a generic call through it cannot show.
    const call = SQLITE_CALLS[request.name] as (...args: readonly unknown[]) => unknown;
    return call(this.#running(), ...request.args);
  }

  #commit(frame: ArrayBuffer): void {
    try {
      const results = this.#running().commit(frame);
      scope.postMessage(results, [results]);
    } catch (error) {
      this.#fail(callIdOf(frame), error);
    }
  }

  #running(): SqliteEngine {
    if (this.#engine !== undefined) return this.#engine;
    throw new StoreFailure("state.unavailable", "the statestore is stopped", "not_applied");
  }

  #answer(id: number, work: () => unknown): void {
    try {
      scope.postMessage({ kind: "value", id, value: work() });
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #fail(id: number, error: unknown): void {
    const failure =
      error instanceof StoreFailure
        ? error.failure
        : ({
            code: "internal.bug",
            message: "the statestore failed",
            outcome: "unknown",
            details: { cause: error instanceof Error ? (error.stack ?? error.message) : "" },
          } as const);
    scope.postMessage({ kind: "failure", id, failure });
  }
}

const thread = new SqliteThread();
scope.onmessage = (event) => thread.receive(event.data);
