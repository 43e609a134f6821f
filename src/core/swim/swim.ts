import { assert } from "../../std/assert.ts";
import { AntiEntropy } from "./anti-entropy.ts";
import { BroadcastQueue } from "./broadcast-queue.ts";
import { Contacts } from "./contacts.ts";
import { Courier } from "./courier.ts";
import { Defence } from "./defence.ts";
import { type DropCounts, type DropReason, Outbox, type SwimEffect } from "./effects.ts";
import { Exchanges } from "./exchanges.ts";
import { Gossip } from "./gossip.ts";
import type { SwimKernel } from "./kernel.ts";
import { LocalHealth } from "./local-health.ts";
import { LocalNode, type SwimIdentity } from "./local-node.ts";
import { ALIVE, LEFT, type MemberInfo, UNKNOWN } from "./member.ts";
import { Membership } from "./membership.ts";
import { PacketHandler } from "./packet-handler.ts";
import { ProbeOrder } from "./probe-order.ts";
import { Prober } from "./prober.ts";
import { Relays } from "./relays.ts";
import { Roster } from "./roster.ts";
import { Suspicions } from "./suspicions.ts";
import { checkSwimConfig, type SwimConfig } from "./swim-config.ts";
import type { SwimRandom } from "./swim-random.ts";
import { leaveFanOut } from "./timing.ts";
import { View } from "./view.ts";
import { ViewFrames } from "./view-frames.ts";
import { idOf } from "./wire-id.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** How often tombstones are looked through in the time that they last. */
const SWEEPS = 24;
/** The most that one standstill raises the score of local health by. */
const MOST_STALL = 3;

/** How much there is of what grows with trouble; for metrics, and for checks of bounds. */
export interface SwimGauges {
  /** Alive and suspect members, the local node included. */
  readonly live: number;
  readonly suspected: number;
  readonly tombstones: number;
  /** Statements that are being spread. */
  readonly spreading: number;
  readonly relayed: number;
  readonly exchanges: number;
}

/** What a membership core is made of. */
export interface SwimOptions {
  readonly config: SwimConfig;
  readonly identity: SwimIdentity;
  readonly random: SwimRandom;
  /** The node's own, unless simulated nodes share one. */
  readonly roster?: Roster;
  /** How many members there is room for from the start. */
  readonly capacity?: number;
}

/**
 * One node's membership core: SWIM (Das, Gupta, Motivala, 2002) with Lifeguard (Dadgar, Phillips,
 * Currey, 2017), without clock, socket or promise. Every input takes the time in whole milliseconds
 * of a monotonic clock and may leave effects, which `take` hands over in order; `nextDeadline` says
 * when `onTick` is due. Inputs must not be called from within each other. Nothing that comes in from
 * outside makes it throw; an `InvariantError` is a bug of the driver.
 */
export class Swim {
  readonly #kernel: SwimKernel;
  readonly #outbox = new Outbox();
  readonly #courier: Courier;
  readonly #defence: Defence;
  readonly #membership: Membership;
  readonly #exchanges: Exchanges;
  readonly #prober: Prober;
  readonly #relays: Relays;
  readonly #antiEntropy: AntiEntropy;
  readonly #contacts: Contacts;
  readonly #gossip: Gossip;
  readonly #packets: PacketHandler;
  #nowMs: number;
  #sweepMs: number;
  #leave: { untilMs: number; isTold: boolean } | undefined;

  constructor(options: SwimOptions, nowMs: number) {
    const { config, identity, random, roster = new Roster(), capacity = 16 } = options;
    checkSwimConfig(config);
    const outbox = this.#outbox;
    const view = new View(roster, capacity);
    const kernel: SwimKernel = {
      config,
      random,
      view,
      order: new ProbeOrder(random, capacity),
      queue: new BroadcastQueue(),
      suspicions: new Suspicions(),
      self: new LocalNode(identity, config.clusterHash, view),
      health: new LocalHealth(config.maxHealth, outbox),
      outbox,
    };
    this.#kernel = kernel;
    this.#nowMs = nowMs;
    this.#sweepMs = nowMs + config.tombstoneMs;
    this.#courier = new Courier(kernel);
    const courier = this.#courier;
    this.#defence = new Defence(kernel, courier);
    this.#membership = new Membership(kernel, courier, this.#defence);
    this.#exchanges = new Exchanges(kernel);
    this.#prober = new Prober(kernel, courier, this.#membership, this.#exchanges, nowMs);
    this.#relays = new Relays(kernel, courier);
    const frames = new ViewFrames(kernel, courier, this.#membership, this.#defence);
    this.#antiEntropy = new AntiEntropy(kernel, this.#exchanges, frames, nowMs);
    this.#contacts = new Contacts(kernel, this.#exchanges, frames, nowMs);
    this.#gossip = new Gossip(kernel, courier);
    this.#packets = new PacketHandler(kernel, {
      courier,
      defence: this.#defence,
      membership: this.#membership,
      prober: this.#prober,
      relays: this.#relays,
      antiEntropy: this.#antiEntropy,
    });
  }

  /** What is to be done, in order. Each effect is handed over once. */
  take(): readonly SwimEffect[] {
    return this.#outbox.take();
  }

  /** When `onTick` is due next, maybe a little too early; infinity once a leave has ended. */
  nextDeadline(): number {
    const { suspicions, self } = this.#kernel;
    if (self.status === "gone") return NEVER;
    return Math.min(
      this.#prober.nextMs,
      this.#gossip.nextMs,
      suspicions.nextMs,
      this.#relays.nextMs,
      this.#exchanges.nextMs,
      this.#antiEntropy.nextMs,
      this.#contacts.nextMs,
      this.#sweepMs,
      this.#leave?.untilMs ?? NEVER,
    );
  }

  /** Time has passed. Read what has come in before: what waits unread must not be taken for silence. */
  onTick(nowMs: number): void {
    if (!this.#begin(nowMs)) return;
    const now = this.#nowMs;
    this.#membership.tick(now);
    this.#prober.tick(now);
    this.#relays.tick(now);
    this.#antiEntropy.tick(now);
    this.#contacts.tick(now);
    for (let silent = this.#exchanges.takeSilent(now); silent !== undefined; ) {
      if (silent.kind === "sync") this.#contacts.settled(now, silent, false);
      silent = this.#exchanges.takeSilent(now);
    }
    this.#gossip.tick(now);
    if (now >= this.#sweepMs) this.#sweep(now);
    this.#goOnLeaving(now);
    this.#end();
  }

  /**
   * A datagram has come from the address `from`, opened and authenticated. Answers why all of it was
   * dropped, if it was; parts that were dropped are counted in `drops`. Keeps nothing of `bytes`.
   */
  onPacket(nowMs: number, from: string, bytes: Uint8Array): DropReason | undefined {
    if (!this.#begin(nowMs)) return "gone";
    const reason = this.#packets.packet(this.#nowMs, from, bytes);
    if (reason !== undefined) this.#outbox.drop(reason);
    this.#end();
    return reason;
  }

  /**
   * A frame has come in over a stream, opened and authenticated. Answers the frame to send back before
   * the stream is closed; `undefined` to close it at once. Keeps nothing of `bytes`.
   */
  onRequest(nowMs: number, bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#begin(nowMs)) return undefined;
    const pong = this.#packets.streamPing(bytes);
    const answer = pong === "other" ? this.#antiEntropy.serve(this.#nowMs, bytes) : pong;
    this.#end();
    if (typeof answer !== "string") return answer;
    this.#outbox.drop(answer);
    return undefined;
  }

  /** The frame that answers the exchange with this token. Late ones are harmless. */
  onAnswer(nowMs: number, token: number, bytes: Uint8Array): void {
    if (!this.#begin(nowMs)) return;
    const exchange = this.#exchanges.take(token);
    if (exchange?.kind === "ping") {
      this.#packets.streamAck(exchange.index, exchange.seq, bytes);
    } else if (exchange !== undefined) {
      const succeeded = this.#antiEntropy.answered(this.#nowMs, exchange, bytes);
      if (succeeded && exchange.why === "join") this.#antiEntropy.form();
      this.#contacts.settled(this.#nowMs, exchange, succeeded);
      // The peer may hold this node dead: it is the first to hear the contrary.
      if (this.#defence.takeUrgent()) this.#refuteTo(exchange.to);
    }
    this.#end();
  }

  /** The exchange with this token has failed, or its time is over. */
  onNoAnswer(nowMs: number, token: number): void {
    if (!this.#begin(nowMs)) return;
    const exchange = this.#exchanges.take(token);
    if (exchange?.kind === "sync") this.#contacts.settled(this.#nowMs, exchange, false);
    this.#end();
  }

  /**
   * The process has stood still for `lagMs`. Call it before what waited meanwhile is handed in: the
   * node doubts itself more, and nobody is accused for the silence of that time.
   */
  onStall(nowMs: number, lagMs: number): void {
    if (!this.#begin(nowMs)) return;
    this.#kernel.health.change(Math.min(MOST_STALL, Math.floor(lagMs / 1_000)));
    this.#prober.extend(lagMs);
    this.#kernel.suspicions.extend(lagMs);
    this.#end();
  }

  /** Adds addresses at which members may be, and joins by them. What was added once stays. */
  addSeeds(nowMs: number, addresses: readonly string[]): void {
    if (!this.#begin(nowMs)) return;
    this.#contacts.add(this.#nowMs, addresses);
    this.#end();
  }

  /** Announces another description of this node, at most 512 bytes. Nothing if it is the same. */
  setMeta(nowMs: number, meta: Uint8Array): void {
    const { self } = this.#kernel;
    if (!this.#begin(nowMs) || self.status !== "running") return;
    self.announce(self.incarnation + 1, meta);
    this.#courier.spread(self.index, self.part);
    this.#end();
  }

  /**
   * Says farewell: peers hear it directly and as gossip, pings are answered for a while, then the event
   * `gone` comes and nothing more is done. At once if there is nobody to tell. Idempotent.
   */
  leave(nowMs: number): void {
    const { self, view, order, config } = this.#kernel;
    if (!this.#begin(nowMs) || self.status !== "running") return;
    const { generation } = self.identity;
    self.status = "leaving";
    view.set(self.index, { generation, incarnation: self.incarnation, rank: LEFT });
    const farewell = this.#courier.statement(self.index, self.id);
    this.#prober.stop();
    this.#relays.stop();
    this.#antiEntropy.stop();
    this.#contacts.stop();
    this.#exchanges.stop();
    this.#courier.spread(self.index, farewell);
    const fanOut = leaveFanOut(config.gossipNodes, order.length + 1);
    const told = order.sample(fanOut, (index) => view.isLive(index));
    for (const index of told) {
      const to = view.address(index);
      if (to !== undefined) this.#courier.single(to, farewell);
    }
    const untilMs = told.length === 0 ? this.#nowMs : this.#nowMs + config.leaveTimeoutMs;
    this.#leave = { untilMs, isTold: told.length === 0 };
    this.#goOnLeaving(this.#nowMs);
    this.#end();
  }

  /**
   * Takes the members of a cluster as alive, without events and gossip: a simulation begins with one
   * that has formed. All of them share one roster, and know nobody but themselves or all.
   */
  preload(cluster: readonly Swim[]): void {
    const { view, order, self } = this.#kernel;
    const informed = cluster.find((one) => one.#kernel.view.live === cluster.length);
    if (informed !== undefined) view.copy(informed.#kernel.view);
    else {
      for (const one of cluster) {
        if (one !== this) view.adopt(one.#kernel.view, one.#kernel.self.index);
      }
    }
    order.addAll(view.liveBut(self.index));
    assert(view.rank(self.index) === ALIVE, "the local node is a member of its cluster");
  }

  /** The members that are alive or suspect, the local node first. */
  members(): readonly MemberInfo[] {
    const { view, order, self } = this.#kernel;
    const members = [view.info(self.index)];
    for (let at = 0; at < order.length; at += 1) {
      if (view.isLive(order.at(at))) members.push(view.info(order.at(at)));
    }
    return members;
  }

  /** What is held of a member, dead and left ones included; `undefined` if nothing is. */
  member(name: string): MemberInfo | undefined {
    const { view } = this.#kernel;
    const { hi, lo } = idOf(name);
    const index = view.roster.find(hi, lo);
    return view.rank(index) === UNKNOWN ? undefined : { ...view.info(index), name };
  }

  /** The fingerprint of the live members; equal on nodes that hold the same. */
  get digest(): number {
    return this.#kernel.view.digest;
  }

  /** 0 is healthy. */
  get health(): number {
    return this.#kernel.health.score;
  }

  /** Whether a seed has answered. */
  get joined(): boolean {
    return this.#contacts.joined;
  }

  get drops(): DropCounts {
    return this.#outbox.drops;
  }

  get gauges(): SwimGauges {
    const { view, suspicions, queue } = this.#kernel;
    return {
      live: view.live,
      suspected: suspicions.length,
      tombstones: view.tombstones.size,
      spreading: queue.length,
      relayed: this.#relays.length,
      exchanges: this.#exchanges.length,
    };
  }

  /** False if the core does nothing any more. Time never goes back. */
  #begin(nowMs: number): boolean {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    return this.#kernel.self.status !== "gone";
  }

  #end(): void {
    if (this.#defence.takeUrgent()) this.#gossip.urge(this.#nowMs);
    this.#gossip.arm(this.#nowMs);
  }

  #refuteTo(address: string): void {
    this.#courier.single(address, this.#kernel.self.part);
    this.#gossip.urge(this.#nowMs);
  }

  #sweep(nowMs: number): void {
    this.#membership.sweep(nowMs);
    this.#sweepMs = nowMs + Math.ceil(this.#kernel.config.tombstoneMs / SWEEPS);
  }

  /** The farewell is told once the queue has let go of it; then peers may still ping for a while. */
  #goOnLeaving(nowMs: number): void {
    const leave = this.#leave;
    const { self, queue, config, outbox } = this.#kernel;
    if (leave === undefined || self.status === "gone") return;
    if (!leave.isTold && (!queue.has(self.index) || nowMs >= leave.untilMs)) {
      leave.isTold = true;
      leave.untilMs = nowMs + config.leaveLingerMs;
    }
    if (!leave.isTold || nowMs < leave.untilMs) return;
    self.status = "gone";
    outbox.event({ kind: "gone" });
  }
}
