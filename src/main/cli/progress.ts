import type { Clock } from "../../node/ports.ts";
import type { Output } from "./terminal.ts";

/** How far a long piece of work has come. */
export interface Advance {
  readonly rows: number;
  /** `undefined` if nobody knows. */
  readonly totalRows: number | undefined;
  readonly bytes: number;
}

const REDRAW_MS = 100;
const BAR_CELLS = 20;
/** Until then a rate says nothing. */
const FIRST_RATE_MS = 500;
const CLEAR_LINE = "\r\u001b[K";

/** One line that is drawn again and again while people watch; nothing where nobody does. */
export class Progress {
  readonly #out: Output;
  readonly #verb: string;
  readonly #clock: Clock;
  readonly #wanted: boolean;
  readonly #startedMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #drawn = false;
  #first: Advance | undefined;

  /** `verb` begins the line, e.g. "exporting". Rates count from here. */
  constructor(out: Output, verb: string, clock: Clock, wanted: boolean) {
    this.#out = out;
    this.#verb = verb;
    this.#clock = clock;
    this.#wanted = wanted && out.interactive;
    this.#startedMs = clock.now();
  }

  show(advance: Advance): void {
    if (!this.#wanted) return;
    // What was there before the work began is not part of its rate.
    this.#first ??= advance;
    const now = this.#clock.now();
    if (now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#drawn = true;
    const line = progressLine(this.#verb, advance, this.#first, now - this.#startedMs);
    this.#out.write(CLEAR_LINE + line);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn) this.#out.write(CLEAR_LINE);
    this.#drawn = false;
  }
}

function progressLine(verb: string, done: Advance, first: Advance, elapsedMs: number): string {
  const parts = [`${countText(done.rows)} rows`, bytesText(done.bytes)];
  const total = done.totalRows;
  // The total is an estimate: what is beyond it must not be said to be all.
  const share = total === undefined || total === 0 ? undefined : Math.min(1, done.rows / total);
  if (elapsedMs >= FIRST_RATE_MS) {
    const perMs = (done.rows - first.rows) / elapsedMs;
    parts.push(`${countText(Math.round(perMs * 1000))} rows/s`);
    if (total !== undefined && perMs > 0 && total > done.rows) {
      parts.push(`${durationText((total - done.rows) / perMs)} left`);
    }
  }
  return `${verb} ${share === undefined ? "" : `${barText(share)} `}${parts.join(", ")}`;
}

function barText(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  const bar = "#".repeat(full) + "-".repeat(BAR_CELLS - full);
  return `[${bar}] ${Math.floor(share * 100)}%`;
}

/** `1,234,567`. */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `12.3 MiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ""}`;
}

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
