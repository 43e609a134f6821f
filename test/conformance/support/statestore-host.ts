import type { PluginHealth, StatestoreHost } from "../../../src/contract/index.ts";
import { ServerError } from "../../../src/domain/error.ts";

/** What a store under test said about its health. */
export interface RecordedHealth {
  readonly health: PluginHealth;
  readonly detail: string | undefined;
}

/** A host for one store under test, on the real clock; `changes` overrides single members. */
export function statestoreHost(
  dataDir: string,
  changes: Partial<StatestoreHost> & { readonly recorded?: RecordedHealth[] } = {},
): StatestoreHost {
  const silent = () => undefined;
  const { recorded, ...members } = changes;
  return {
    instance: "statestore",
    dataDir,
    cluster: "test",
    acceptUnsafeDurability: false,
    shared: false,
    queryTimeoutMs: 5_000,
    transactionTries: 5,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    clock: {
      now: () => performance.now(),
      wallMs: () => Date.now(),
      setTimer(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
    random: { unit: () => Math.random() },
    meter: { count: silent, gauge: silent, observe: silent },
    report: (health, detail) => recorded?.push({ health, detail }),
    error: (code, message, outcome, details) => new ServerError(code, message, outcome, details),
    ...members,
  };
}
