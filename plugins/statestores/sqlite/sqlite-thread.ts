import type {
  CommitBatch,
  CommitResult,
  Outcome,
  SchemaStatus,
  SchemaStep,
  ServerError,
  StatestoreHost,
} from "../../../src/contract/index.ts";
import { raise } from "../kit/failure.ts";
import { decodeResults, encodeBatch } from "./commit-frame.ts";
import type { OpenOptions } from "./open-store.ts";
import type {
  OpenWork,
  SqliteAnswer,
  SqliteCall,
  SqliteCallTypes,
  SqliteRequest,
} from "./sqlite-calls.ts";

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: ServerError) => void;
  /** What became of the call if the thread dies under it. */
  readonly lost: Outcome;
}

/** Calls under way beyond which the store says that it is busy. */
const MAX_WAITING = 10_000;
const FIRST_FRAME_BYTES = 64 * 1024;
/** Buffers that go to and fro between the threads; greater ones are not kept. */
const SPARE_FRAMES = 4;
const SPARE_FRAME_BYTES = 4 * 1024 * 1024;

/** The server's side of the store's thread: sends calls and commit frames, and keeps who waits. */
export class SqliteThreadClient {
  readonly #host: StatestoreHost;
  readonly #waiting = new Map<number, Waiting>();
  readonly #spare: ArrayBuffer[] = [];
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(host: StatestoreHost) {
    this.#host = host;
  }

  /** Starts the thread and opens the store on it. Rejects with the reason if it cannot be served. */
  start(options: OpenOptions, signal: AbortSignal): Promise<void> {
    return this.#open("serve", options, signal);
  }

  /** Where the schema stands; for a client that is not started, and is spent afterwards. */
  async plan(options: OpenOptions, signal: AbortSignal): Promise<SchemaStatus> {
    const status = await this.#open<SchemaStatus>("plan", options, signal);
    this.#end("the schema was looked at");
    return status;
  }

  /** Takes the pending steps of the schema; as `plan`. */
  async migrate(options: OpenOptions, signal: AbortSignal): Promise<readonly SchemaStep[]> {
    const taken = await this.#open<readonly SchemaStep[]>("migrate", options, signal);
    this.#end("the schema is up to date");
    return taken;
  }

  async #open<T>(work: OpenWork, options: OpenOptions, signal: AbortSignal): Promise<T> {
    const worker = new Worker(new URL("./sqlite.worker.ts", import.meta.url).href, {
      type: "module",
    });
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<SqliteAnswer | ArrayBuffer>) => this.#take(event.data);
    worker.onerror = (event) => this.#failed(worker, event.message);
    worker.addEventListener("close", () => this.#failed(worker, "it ended"));
    const abort = () => this.#end("the start of the statestore took too long");
    signal.addEventListener("abort", abort);
    try {
      const { promise, id } = this.#expect<T>("not_applied");
      this.#send({ kind: "open", id, work, options });
      return await promise;
    } catch (error) {
      this.#end("the statestore did not start");
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Lets everything already sent finish, closes the store and ends the thread. */
  async stop(signal: AbortSignal): Promise<void> {
    if (this.#worker === undefined) return;
    const end = () => this.#end("the statestore is stopped");
    signal.addEventListener("abort", end);
    try {
      const { promise, id } = this.#expect<void>("unknown");
      this.#send({ kind: "stop", id });
      await promise;
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  call<Name extends SqliteCall>(
    name: Name,
    ...args: Parameters<SqliteCallTypes[Name]>
  ): Promise<ReturnType<SqliteCallTypes[Name]>> {
    if (this.#worker === undefined) return Promise.reject(this.#stopped());
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(this.#busy());
    const { promise, id } = this.#expect<ReturnType<SqliteCallTypes[Name]>>("unknown");
    this.#send({ kind: "call", id, name, args });
    return promise;
  }

  commit(batch: CommitBatch): Promise<readonly CommitResult[]> {
    if (this.#worker === undefined) return Promise.reject(this.#stopped());
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(this.#busy());
    const { promise, id } = this.#expect<readonly CommitResult[]>("unknown");
    const spare = this.#spare.pop() ?? new ArrayBuffer(FIRST_FRAME_BYTES);
    const frame = encodeBatch(id, batch, spare);
    this.#worker.postMessage(frame, [frame]);
    return promise;
  }

  #expect<T>(lost: Outcome): { readonly promise: Promise<T>; readonly id: number } {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.set(id, { resolve, reject, lost });
    return { promise, id };
  }

  #send(request: SqliteRequest): void {
    this.#worker?.postMessage(request);
  }

  #take(data: SqliteAnswer | ArrayBuffer): void {
    if (data instanceof ArrayBuffer) {
      const { callId, results } = decodeResults(data);
      if (this.#spare.length < SPARE_FRAMES && data.byteLength <= SPARE_FRAME_BYTES) {
        this.#spare.push(data);
      }
      this.#settle(callId)?.resolve(results as never);
    } else if (data.kind === "value") {
      this.#settle(data.id)?.resolve(data.value as never);
    } else {
      this.#settle(data.id)?.reject(raise(this.#host, data.failure));
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** A thread that ends by itself takes the store with it: the node must not look well any more. */
  #failed(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    const text = `the thread of the statestore failed: ${message}`;
    this.#end(text);
    this.#host.report("failed", text);
  }

  /** Ends the thread; whoever still waits is told that nothing more will come. */
  #end(message: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const [id, { reject, lost }] of this.#waiting) {
      this.#waiting.delete(id);
      reject(this.#host.error("state.unavailable", message, lost, { reason: "STORE_STOPPED" }));
    }
  }

  #stopped(): ServerError {
    const reason = "STORE_STOPPED";
    return this.#host.error("state.unavailable", "the statestore is stopped", "not_applied", {
      reason,
    });
  }

  #busy(): ServerError {
    const message = "too many calls wait for the statestore";
    const details = { reason: "STORE_BUSY", retryAfterMs: 100 };
    return this.#host.error("state.unavailable", message, "not_applied", details);
  }
}
