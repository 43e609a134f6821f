import type { Courier } from "./courier.ts";
import type { Exchanges } from "./exchanges.ts";
import type { SwimKernel } from "./kernel.ts";
import { ALIVE, SUSPECT, UNKNOWN } from "./member.ts";
import type { Membership } from "./membership.ts";
import type { PacketWriter } from "./packet-writer.ts";
import { NO_TARGET } from "./probe-order.ts";
import { nackDelay } from "./timing.ts";

/** One probe: a ping, then relays and a stream, then a verdict. */
interface Probe {
  readonly index: number;
  readonly generation: number;
  readonly address: string;
  readonly seq: number;
  readonly relays: Relay[];
  /** When relays are asked; infinity once they were, or once an answer is there. */
  timeoutMs: number;
  endMs: number;
  acked: boolean;
  ackedByStream: boolean;
}

interface Relay {
  readonly index: number;
  readonly address: string;
  nacked: boolean;
}

/** Probes one member after the other, one per probe interval, longer while local health is bad. */
export class Prober {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  readonly #membership: Membership;
  readonly #exchanges: Exchanges;
  #probe: Probe | undefined;
  #nextProbeMs: number;

  /** The first probe comes after a random part of an interval, so that nodes do not beat in step. */
  constructor(
    kernel: SwimKernel,
    courier: Courier,
    membership: Membership,
    exchanges: Exchanges,
    nowMs: number,
  ) {
    this.#kernel = kernel;
    this.#courier = courier;
    this.#membership = membership;
    this.#exchanges = exchanges;
    this.#nextProbeMs = nowMs + kernel.random.below(kernel.config.probeIntervalMs);
  }

  get nextMs(): number {
    const probe = this.#probe;
    return probe === undefined ? this.#nextProbeMs : Math.min(probe.timeoutMs, probe.endMs);
  }

  tick(nowMs: number): void {
    const probe = this.#probe;
    if (probe !== undefined && nowMs >= probe.endMs) this.#judge(nowMs, probe);
    else if (probe !== undefined && nowMs >= probe.timeoutMs) this.#askRelays(nowMs, probe);
    if (this.#probe === undefined && nowMs >= this.#nextProbeMs) this.#begin(nowMs);
  }

  /** An ack; false if it answers no question of the prober. */
  acked(seq: number, sender: number, from: string): boolean {
    const probe = this.#probe;
    if (probe?.seq !== seq) return false;
    const isTarget = sender === probe.index && from === probe.address;
    const isRelay = probe.relays.some(({ index, address }) => index === sender && address === from);
    if (!isTarget && !isRelay) return false;
    this.#succeed(probe);
    probe.acked = true;
    return true;
  }

  /** The answer of a relay that lives but has heard nothing; false if it was not asked, or asked once. */
  nacked(seq: number, sender: number, from: string): boolean {
    const probe = this.#probe;
    if (probe?.seq !== seq) return false;
    const relay = probe.relays.find(({ index }) => index === sender);
    if (relay === undefined || relay.nacked || relay.address !== from) return false;
    relay.nacked = true;
    return true;
  }

  /** The target has answered over a stream. */
  ackedByStream(seq: number): void {
    const probe = this.#probe;
    if (probe?.seq !== seq) return;
    this.#succeed(probe);
    probe.ackedByStream = true;
  }

  /** The local node stood still for so long: an answer may be waiting unread. */
  extend(byMs: number): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    probe.timeoutMs += byMs;
    probe.endMs += byMs;
  }

  stop(): void {
    this.#probe = undefined;
    this.#nextProbeMs = Number.POSITIVE_INFINITY;
  }

  #begin(nowMs: number): void {
    const { view, order, config, self, health } = this.#kernel;
    const endMs = nowMs + health.scale(config.probeIntervalMs);
    this.#nextProbeMs = endMs;
    const goneBefore = nowMs - config.gossipToDeadMs;
    const index = order.next(
      (one) => view.isLive(one),
      (one) =>
        view.rank(one) === UNKNOWN ||
        (view.tombstones.get(one) ?? Number.POSITIVE_INFINITY) <= goneBefore,
    );
    const address = view.address(index);
    if (index === NO_TARGET || address === undefined) return;
    this.#probe = {
      index,
      generation: view.generation(index),
      address,
      seq: self.nextSeq(),
      relays: [],
      timeoutMs: nowMs + config.probeTimeoutMs,
      endMs,
      acked: false,
      ackedByStream: false,
    };
    this.ping(index, address, this.#probe.seq);
  }

  /** Pings a member; an accused one hears of it in the same packet, so that it can refute (buddy). */
  ping(index: number, address: string, seq: number): void {
    const packet = this.#courier.begin();
    this.#tellAccused(packet, index);
    packet.ping(seq, this.#kernel.view.roster.id(index));
    this.#courier.dispatch(address);
  }

  /** Stands before the question, so that the answer shows the refutation already. */
  #tellAccused(packet: PacketWriter, index: number): void {
    const { view, self } = this.#kernel;
    if (view.rank(index) === SUSPECT) packet.part(this.#courier.statement(index, self.id));
  }

  #askRelays(nowMs: number, probe: Probe): void {
    const { view, order, config, self } = this.#kernel;
    const { seq, address } = probe;
    probe.timeoutMs = Number.POSITIVE_INFINITY;
    const own = self.identity.address;
    const accepts = (one: number): boolean => {
      const other = view.address(one);
      return view.rank(one) === ALIVE && one !== probe.index && other !== address && other !== own;
    };
    for (const index of order.sample(config.indirectProbes, accepts)) {
      const relay = view.address(index);
      if (relay === undefined) continue;
      probe.relays.push({ index, address: relay, nacked: false });
      const packet = this.#courier.begin();
      // The relay's own ping can tell the accused only what the relay knows.
      this.#tellAccused(packet, probe.index);
      packet.pingRequest(seq, nackDelay(config), view.roster.id(probe.index));
      this.#courier.dispatch(relay);
    }
    if (config.streamPings) this.#exchanges.ping(nowMs, probe.index, address, seq, probe.endMs);
  }

  #succeed(probe: Probe): void {
    probe.timeoutMs = Number.POSITIVE_INFINITY;
    if (!probe.acked && !probe.ackedByStream) this.#kernel.health.change(-1);
  }

  #judge(nowMs: number, probe: Probe): void {
    const { view, self, health, outbox } = this.#kernel;
    const { index, generation, relays } = probe;
    this.#probe = undefined;
    if (probe.acked) return;
    // Whoever died, left or was replaced meanwhile is not the one that was asked.
    if (!view.isLive(index) || view.generation(index) !== generation) return;
    if (probe.ackedByStream) {
      outbox.event({ kind: "blocked", member: view.info(index) });
      return;
    }
    const missing = relays.filter(({ nacked }) => !nacked).length;
    health.change(relays.length === 0 ? 1 : missing);
    const incarnation = view.incarnation(index);
    this.#membership.suspect(nowMs, { index, generation, incarnation, from: self.id });
  }
}
