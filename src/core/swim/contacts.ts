import type { Exchange, Exchanges } from "./exchanges.ts";
import type { SwimKernel } from "./kernel.ts";
import { DEAD } from "./member.ts";
import { syncScale } from "./timing.ts";
import type { ViewFrames } from "./view-frames.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** Seeds that are asked at once. */
const AT_ONCE = 3;

/**
 * Joining, and finding back: seeds are asked until one answers, and from then on every now and then
 * a seed that is no member or a member that is dead. So two sides of a partition that have given
 * each other up become one again. Seeds are only ever added.
 */
export class Contacts {
  readonly #kernel: SwimKernel;
  readonly #exchanges: Exchanges;
  readonly #frames: ViewFrames;
  readonly #seeds = new Set<string>();
  #dueMs: number;
  #pending = 0;
  #failures = 0;
  #joined = false;

  constructor(kernel: SwimKernel, exchanges: Exchanges, frames: ViewFrames, nowMs: number) {
    this.#kernel = kernel;
    this.#exchanges = exchanges;
    this.#frames = frames;
    this.#dueMs = nowMs + this.#interval();
  }

  get nextMs(): number {
    return this.#dueMs;
  }

  /** Whether an exchange to join has succeeded. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Adds addresses at which members may be. The first attempt is made at once. */
  add(nowMs: number, addresses: readonly string[]): void {
    const { self, config, random } = this.#kernel;
    const before = this.#seeds.size;
    for (const address of addresses) {
      if (address !== self.identity.address) this.#seeds.add(address);
    }
    if (this.#seeds.size === before || self.status !== "running") return;
    const waitMs = this.#joined ? random.below(config.digestSyncMs) : 0;
    if (this.#pending === 0) this.#dueMs = Math.min(this.#dueMs, nowMs + waitMs);
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#interval();
    if (this.#joined || this.#seeds.size === 0) this.#contact(nowMs);
    else this.#join(nowMs);
  }

  /** An exchange to join or to find back has ended; true if views were exchanged. */
  settled(nowMs: number, exchange: Exchange & { kind: "sync" }, succeeded: boolean): void {
    if (exchange.why !== "join" || this.#joined) return;
    this.#pending -= 1;
    if (succeeded) {
      this.#joined = true;
      this.#dueMs = nowMs + this.#interval();
    } else if (this.#pending === 0) this.#dueMs = nowMs + this.#backoff();
  }

  stop(): void {
    this.#dueMs = NEVER;
  }

  #join(nowMs: number): void {
    const seeds = [...this.#seeds];
    const frame = this.#frames.write(nowMs);
    // The end of the exchanges sets the time of the next attempt.
    this.#dueMs = NEVER;
    for (let asked = 0; asked < AT_ONCE && seeds.length > 0; asked += 1) {
      const [to] = seeds.splice(this.#kernel.random.below(seeds.length), 1);
      if (to === undefined) continue;
      this.#pending += 1;
      this.#exchanges.sync(nowMs, to, "join", frame);
    }
  }

  #contact(nowMs: number): void {
    const absent = this.#absent();
    const to = absent[absent.length === 0 ? 0 : this.#kernel.random.below(absent.length)];
    if (to === undefined) return;
    this.#exchanges.sync(nowMs, to, "contact", this.#frames.write(nowMs));
  }

  /** Addresses at which someone could be who is no member now. */
  #absent(): readonly string[] {
    const { view, order } = this.#kernel;
    if (this.#seeds.size + view.tombstones.size === 0) return [];
    const absent = new Set(this.#seeds);
    for (const index of view.tombstones.keys()) {
      const address = view.address(index);
      if (address !== undefined && view.rank(index) === DEAD) absent.add(address);
    }
    for (let at = 0; at < order.length; at += 1) {
      const index = order.at(at);
      const address = view.address(index);
      if (address !== undefined && view.isLive(index)) absent.delete(address);
    }
    return [...absent];
  }

  #interval(): number {
    const { config, order, random } = this.#kernel;
    const intervalMs = config.contactIntervalMs * syncScale(order.length + 1);
    return Math.floor(intervalMs / 2) + random.below(intervalMs);
  }

  /** Full jitter, so that all who start at once do not come again at once. */
  #backoff(): number {
    const { config, random } = this.#kernel;
    this.#failures = Math.min(this.#failures + 1, 16);
    const most = Math.min(config.joinRetryMaxMs, config.joinRetryMs * 2 ** this.#failures);
    return 1 + random.below(most);
  }
}
