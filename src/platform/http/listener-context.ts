import type { HttpHandler, ListenerLimits } from "../../node/ports.ts";

/** Time limits in ticks of the listener's one timer. A wait ends after its limit, at most two ticks late. */
export interface TickLimits {
  readonly tickMs: number;
  readonly header: number;
  readonly body: number;
  readonly idle: number;
  readonly stall: number;
}

/** What every connection of one listener shares. */
export interface ListenerContext {
  readonly handler: HttpHandler;
  readonly limits: ListenerLimits;
  readonly ticks: TickLimits;
  rejected(reason: string, remoteAddress: string): void;
}

/** One accepted connection, whatever it speaks. */
export interface LiveConnection {
  /** Called by the listener's timer: enforces the time limits. */
  tick(): void;
  /** Finishes what runs, takes nothing new, ends when idle. */
  drain(): void;
  /** Ends at once. */
  destroy(): void;
}

/** One timer serves all connections; its period follows the shortest limit. */
export function tickLimits(limits: ListenerLimits): TickLimits {
  const shortest = Math.min(
    limits.headerTimeoutMs,
    limits.bodyTimeoutMs,
    limits.idleTimeoutMs,
    limits.writeStallMs,
  );
  const tickMs = Math.min(1000, Math.max(10, Math.floor(shortest / 4)));
  const ticks = (limitMs: number): number => Math.ceil(limitMs / tickMs);
  return {
    tickMs,
    header: ticks(limits.headerTimeoutMs),
    body: ticks(limits.bodyTimeoutMs),
    idle: ticks(limits.idleTimeoutMs),
    stall: ticks(limits.writeStallMs),
  };
}
