import type { ErrorCode, ErrorDetails, Outcome, ServerError } from "../domain/error.ts";

/** Log of a plug-in; its name is added. Never give it secrets or payloads. */
export interface PluginLogger {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Time for a plug-in. Timers are dropped when the plug-in stops. */
export interface PluginClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Wall clock, milliseconds since 1970; for schedules that people read, never for safety. */
  wallMs(): number;
  /** Runs `callback` once after `delayMs`; the returned function takes it back. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Randomness for a plug-in; seeded in simulation. */
export interface PluginRandom {
  /** A number in [0, 1). */
  unit(): number;
}

/** Metrics of a plug-in: names get the prefix `troupe_plugin_<name>_`. */
export interface PluginMeter {
  count(name: string, value?: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

/** How a plug-in fares. `failed` turns readiness off if the family is needed to serve. */
export type PluginHealth = "ok" | "degraded" | "failed";

/** What every family's host offers. */
export interface PluginHost {
  /** The configured instance, e.g. `statestore` or `nightly` for an activator. */
  readonly instance: string;
  /** Directory for files of this node; exists. */
  readonly dataDir: string;
  readonly log: PluginLogger;
  readonly clock: PluginClock;
  readonly random: PluginRandom;
  readonly meter: PluginMeter;
  /** Says how the plug-in fares from now on. `detail` is one line for `/statusz`. */
  report(health: PluginHealth, detail?: string): void;
  /** Makes the error that the server understands; throw what it returns. */
  error(code: ErrorCode, message: string, outcome: Outcome, details?: ErrorDetails): ServerError;
}
