import type { Activator, ActivatorCall, ActivatorHost } from "../../../../contract/index.ts";

/** What the operator says. */
export interface SampleConfig {
  /** `type/key` in the system `default`. */
  readonly actor: string;
  readonly action: string;
  /** Milliseconds between two calls. */
  readonly interval: number;
}

const CALL_TIMEOUT_MS = 30_000;

/** Calls one actor at each multiple of the interval; one node of the cluster makes each call. */
export class SampleActivator implements Activator {
  readonly #config: SampleConfig;
  readonly #host: ActivatorHost;
  readonly #taken = new AbortController();
  #open = false;
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: SampleConfig, host: ActivatorHost) {
    if (!/^[^/]+\/.+$/.test(config.actor)) throw new Error("actor must be type/key");
    this.#config = config;
    this.#host = host;
  }

  async start(): Promise<void> {
    this.#open = true;
    this.#arm();
  }

  async pause(): Promise<void> {
    this.#open = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Waits for the call that runs, and takes it back when the time for that is over. */
  async stop(signal: AbortSignal): Promise<void> {
    await this.pause();
    const over = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve());
    });
    await Promise.race([this.#running, over]);
    this.#taken.abort();
  }

  #arm(): void {
    const { interval } = this.#config;
    const wallMs = this.#host.clock.wallMs();
    const dueMs = (Math.floor(wallMs / interval) + 1) * interval;
    this.#cancel = this.#host.clock.setTimer(dueMs - wallMs, () => {
      this.#arm();
      // Calls stay in order: the next one waits for the one before.
      this.#running = this.#running.then(() => this.#fire(dueMs));
    });
  }

  async #fire(dueMs: number): Promise<void> {
    if (!this.#open) return;
    try {
      if (!(await this.#host.claimOnce(String(dueMs)))) return;
      await this.#host.invoke(this.#call(dueMs), this.#taken.signal);
      this.#host.meter.count("calls", 1, { outcome: "ok" });
      this.#host.report("ok");
    } catch (error) {
      this.#host.meter.count("calls", 1, { outcome: "failed" });
      const detail = error instanceof Error ? error.message : "the call failed";
      this.#host.report("degraded", detail);
    }
  }

  #call(dueMs: number): ActivatorCall {
    const [type = "", ...key] = this.#config.actor.split("/");
    return {
      actor: { system: "default", type, key: key.join("/") },
      action: this.#config.action,
      payload: { type: "", data: new Uint8Array(0) },
      // The same tick has the same id, so a repeated call has one effect.
      requestId: `${this.#host.instance}-${dueMs}`,
      metadata: {},
      timeoutMs: CALL_TIMEOUT_MS,
    };
  }
}
