import type { PluginClock } from "../../../src/contract/index.ts";

/** Entries that are kept; the oldest goes. */
const KEPT = 4_096;
/** Entries that another member is told: the newest. */
const TOLD = 256;
const LONGEST_NODE_ID = 96;

/** Which members went lately. Times are of this node's own clock; others are told ages. */
export class DownLog {
  readonly #clock: PluginClock;
  readonly #thresholdMs: number;
  #downAtMs = new Map<string, number>();

  constructor(clock: PluginClock, thresholdMs: number) {
    this.#clock = clock;
    this.#thresholdMs = thresholdMs;
  }

  get size(): number {
    return this.#downAtMs.size;
  }

  add(nodeId: string): void {
    this.#downAtMs.delete(nodeId);
    this.#downAtMs.set(nodeId, this.#clock.now());
    const [oldest] = this.#downAtMs.keys();
    if (this.#downAtMs.size > KEPT && oldest !== undefined) this.#downAtMs.delete(oldest);
  }

  /** The member is there. */
  remove(nodeId: string): void {
    this.#downAtMs.delete(nodeId);
  }

  /** Drops whoever went longer ago than the threshold. */
  prune(): void {
    const sinceMs = this.#clock.now() - this.#thresholdMs;
    for (const [nodeId, atMs] of this.#downAtMs) {
      if (atMs < sinceMs) this.#downAtMs.delete(nodeId);
    }
  }

  /** The newest entries with their ages, as another member may take them over. */
  snapshot(): Uint8Array {
    const now = this.#clock.now();
    const entries = [...this.#downAtMs].slice(-TOLD);
    const down = entries.map(([nodeId, atMs]) => [nodeId, Math.max(0, Math.round(now - atMs))]);
    return new TextEncoder().encode(JSON.stringify({ down }));
  }

  /** Takes over a log that is longer than this one. */
  adopt(snapshot: Uint8Array): void {
    const entries = read(snapshot);
    if (entries === undefined || entries.length <= this.#downAtMs.size) return;
    const now = this.#clock.now();
    const ordered = [...entries].sort((a, b) => b[1] - a[1]);
    this.#downAtMs = new Map(ordered.map(([nodeId, ageMs]) => [nodeId, now - ageMs]));
  }
}

function read(snapshot: Uint8Array): readonly (readonly [string, number])[] | undefined {
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(snapshot));
  } catch {
    return undefined;
  }
  if (typeof found !== "object" || found === null || !("down" in found)) return undefined;
  const { down } = found;
  return Array.isArray(down) && down.length <= TOLD && down.every(isEntry) ? down : undefined;
}

function isEntry(entry: unknown): entry is readonly [string, number] {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [nodeId, ageMs] = entry as unknown[];
  const named = typeof nodeId === "string" && nodeId !== "" && nodeId.length <= LONGEST_NODE_ID;
  return named && Number.isSafeInteger(ageMs) && Number(ageMs) >= 0;
}
