import type { DropReason } from "./effects.ts";
import type { Exchange, Exchanges } from "./exchanges.ts";
import type { SwimKernel } from "./kernel.ts";
import { ALIVE } from "./member.ts";
import { syncScale } from "./timing.ts";
import type { FrameVerdict, ViewFrames } from "./view-frames.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** An exchange was worth its while if it told news of one member in so many. */
const WORTHWHILE_SHARE = 64;

/**
 * Exchanges of whole views (Demers et al., 1987): in turn with a random member, and with one whose
 * digest differs for longer than gossip needs. Exchanges by digest become rarer while they bring
 * little: where many packets are lost, views always differ a little.
 */
export class AntiEntropy {
  readonly #kernel: SwimKernel;
  readonly #exchanges: Exchanges;
  readonly #frames: ViewFrames;
  #turnMs: number;
  /** Since when digests have differed without a match in between. */
  #differsSinceMs: number | undefined;
  #digestMs = NEVER;
  #digestPeer = 0;
  #notBeforeMs = 0;
  #distanceMs: number;
  #forming = false;

  constructor(kernel: SwimKernel, exchanges: Exchanges, frames: ViewFrames, nowMs: number) {
    const { config, random } = kernel;
    this.#kernel = kernel;
    this.#exchanges = exchanges;
    this.#frames = frames;
    this.#turnMs = nowMs + random.below(config.syncIntervalMs);
    this.#distanceMs = config.digestSyncMs;
  }

  get nextMs(): number {
    return Math.min(this.#turnMs, this.#digestMs);
  }

  /** The node has joined, or is among strangers: the first difference is worth an exchange. */
  form(): void {
    this.#forming = true;
    this.#distanceMs = this.#kernel.config.digestSyncMs;
  }

  /** A live member's digest came with a ping or an ack. */
  heard(nowMs: number, index: number, digest: number): void {
    const { view, config, random, self } = this.#kernel;
    if (self.status !== "running") return;
    if (digest === view.digest) {
      this.#differsSinceMs = undefined;
      this.#distanceMs = config.digestSyncMs;
      this.#forming = false;
      return;
    }
    this.#differsSinceMs ??= nowMs;
    const differsMs = nowMs - this.#differsSinceMs;
    if (!this.#forming && differsMs < config.digestSyncMs) return;
    if (nowMs < this.#notBeforeMs || this.#digestMs !== NEVER) return;
    this.#digestMs = nowMs + random.below(config.digestSyncMs);
    this.#digestPeer = index;
    this.#notBeforeMs = nowMs + this.#distanceMs;
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#digestMs) {
      const to = this.#kernel.view.address(this.#digestPeer);
      this.#digestMs = NEVER;
      this.#differsSinceMs = undefined;
      if (to !== undefined && this.#kernel.view.isLive(this.#digestPeer)) {
        this.#exchanges.sync(nowMs, to, "digest", this.#frames.write(nowMs));
      }
    }
    if (nowMs >= this.#turnMs) this.#takeTurn(nowMs);
  }

  /** The peer's view has come back. True if it counts. */
  answered(nowMs: number, exchange: Exchange & { kind: "sync" }, bytes: Uint8Array): boolean {
    const { outbox, config, order, self } = this.#kernel;
    if (self.status !== "running") return false;
    const verdict = this.#frames.check(bytes);
    if (verdict.kind === "refused") {
      outbox.event({ kind: "refused", by: exchange.to, reason: verdict.reason });
    } else if (verdict.kind === "dropped") outbox.drop(verdict.reason);
    if (verdict.kind !== "view") return false;
    const news = this.#frames.merge(nowMs, bytes, verdict.isSame);
    if (exchange.why !== "digest") return true;
    // While a cluster forms, whatever is still missing is worth it.
    const least = this.#forming ? 1 : order.length / WORTHWHILE_SHARE;
    const isWorthwhile = news >= least;
    const longer = Math.min(config.syncIntervalMs, 2 * this.#distanceMs);
    this.#distanceMs = isWorthwhile ? config.digestSyncMs : longer;
    return true;
  }

  /** Another's view has come in. Answers the frame to send back, or why there is none. */
  serve(nowMs: number, bytes: Uint8Array): Uint8Array | DropReason {
    if (this.#kernel.self.status !== "running") return this.#frames.refusal("leaving");
    const verdict: FrameVerdict = this.#frames.check(bytes);
    if (verdict.kind === "dropped") return verdict.reason;
    if (verdict.kind === "refused") {
      if (verdict.reason === "cluster") this.#kernel.outbox.drop("cluster");
      return this.#frames.refusal(verdict.reason);
    }
    // Taken over first, so that the answer holds what this node refutes of it.
    this.#frames.merge(nowMs, bytes, verdict.isSame);
    return this.#frames.write(nowMs, verdict.isSame ? "same" : "any");
  }

  stop(): void {
    this.#turnMs = NEVER;
    this.#digestMs = NEVER;
  }

  #takeTurn(nowMs: number): void {
    const { view, order, config } = this.#kernel;
    this.#turnMs = nowMs + config.syncIntervalMs * syncScale(order.length + 1);
    const [peer] = order.sample(1, (index) => view.rank(index) === ALIVE);
    const to = peer === undefined ? undefined : view.address(peer);
    if (to === undefined) return;
    this.#exchanges.sync(nowMs, to, "periodic", this.#frames.write(nowMs));
  }
}
