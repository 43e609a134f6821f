import type { Credentials } from "../../../src/contract/authenticator.ts";
import type { Caller, Invocation, Reply } from "../../../src/domain/invocation.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../../../src/domain/invocation.ts";
import { DEFAULT_LIMITS } from "../../../src/domain/limits.ts";
import type { Clock, Logger } from "../../../src/node/ports.ts";
import { RecordingGate } from "./recording-gate.ts";
import { DEFAULT_EDGE_LIMITS } from "../../../src/edge/api-options.ts";
import { Authentication } from "../../../src/edge/authentication.ts";
import type { HostLinkOptions } from "../../../src/edge/host-link/host-link-options.ts";
import { Registrations } from "../../../src/edge/host-link/registrations.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that passes when a test says so; what is deferred runs at `tick`. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }
  wallMs(): number {
    return this.#now;
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }
  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Ends the tick, and lets promises settle. */
  async tick(): Promise<void> {
    for (let round = 0; round < 5; round += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const callback of this.#deferred.splice(0)) callback();
    }
  }

  /** Lets time pass and runs what has become due, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== due);
      this.#now = Math.max(this.#now, due.atMs);
      due.callback();
      await this.tick();
    }
    this.#now = end;
  }
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

export interface LinkFixture {
  readonly clock: ManualClock;
  readonly gate: RecordingGate;
  /** Calls that turns made; each is answered with an empty reply at revision 1. */
  readonly calls: Invocation[];
  readonly options: HostLinkOptions;
}

/**
 * Everything a link needs, in memory. The token "good" is the host `h`; `other` is another; "client"
 * is no host.
 */
export function linkFixture(): LinkFixture {
  const clock = new ManualClock();
  const gate = new RecordingGate();
  const calls: Invocation[] = [];
  const authenticate = ({ authorization }: Credentials): Caller | undefined => {
    if (authorization === "Bearer good") return { kind: "host", id: "h", roles: [] };
    if (authorization === "Bearer client") return { kind: "client", id: "c", roles: [] };
    return authorization === "Bearer other" ? { kind: "host", id: "o", roles: [] } : undefined;
  };
  let serial = 0;
  const options: HostLinkOptions = {
    gate,
    clock,
    invoker: {
      invoke: (invocation: Invocation): Promise<Reply> => {
        calls.push(invocation);
        return Promise.resolve({
          payload: EMPTY_PAYLOAD,
          revision: 1,
          durable: true,
          replayed: false,
          metadata: EMPTY_MAP,
        });
      },
    },
    random: {
      bytes: (length: number) => new Uint8Array(length).fill((serial += 1)),
      unit: () => 0.5,
    },
    log: SILENT,
    limits: DEFAULT_LIMITS,
    nodeName: "n1",
    registrations: new Registrations(clock),
    authentication: new Authentication(authenticate, DEFAULT_EDGE_LIMITS, clock),
  };
  return { clock, gate, calls, options };
}
