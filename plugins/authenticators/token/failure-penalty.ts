const WINDOW_MS = 60_000;

/** Failures of one address within a window before it has to wait for the next. */
const MAX_FAILURES = 100;

/** Addresses that are remembered; beyond that the oldest is forgotten. */
const MAX_ADDRESSES = 10_000;

/** Slows down guessing: an address with too many failures in a minute is refused for its rest. */
export class FailurePenalty {
  readonly #now: () => number;
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True if nothing from this address is looked at now. */
  refuses(address: string): boolean {
    if (this.#failures.size === 0) return false;
    const found = this.#failures.get(networkOf(address));
    if (found === undefined || this.#now() - found.sinceMs >= WINDOW_MS) return false;
    return found.count >= MAX_FAILURES;
  }

  /** Counts a failure. */
  record(address: string): void {
    const network = networkOf(address);
    const found = this.#failures.get(network);
    const now = this.#now();
    if (found !== undefined && now - found.sinceMs < WINDOW_MS) {
      found.count += 1;
      return;
    }
    this.#failures.delete(network);
    const oldest = this.#failures.keys().next();
    if (this.#failures.size >= MAX_ADDRESSES && oldest.done !== true) {
      this.#failures.delete(oldest.value);
    }
    this.#failures.set(network, { count: 1, sinceMs: now });
  }
}

/**
 * The part of an address that one party holds: a whole IPv4 address, mapped or not, and the first
 * 64 bits of an IPv6 address, as whoever has one has all of its network.
 */
export function networkOf(address: string): string {
  const mapped = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] ?? address;
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...new Array<string>(zeros).fill("0"), ...after];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
