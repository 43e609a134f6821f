import type { SwimEffect, SwimEvent } from "../core/swim/effects.ts";
import type { MemberInfo } from "../core/swim/member.ts";
import { Swim, type SwimGauges } from "../core/swim/swim.ts";
import type { SwimConfig } from "../core/swim/swim-config.ts";
import type {
  BindDatagrams,
  Clock,
  DatagramSocket,
  FrameLimits,
  FrameLink,
  FrameSockets,
  GossipSeal,
  Logger,
  Random,
  TlsMaterial,
} from "./ports.ts";

/** This process as members know it. */
export interface LocalMember {
  readonly name: string;
  /** `host:port` with a literal address, for datagrams and streams alike. */
  readonly address: string;
  /** Sixteen hexadecimal digits. */
  readonly bootId: string;
  readonly generation: number;
  readonly meta: Uint8Array;
}

/** What a driver tells of packets, for metrics. */
export interface MembershipObserver {
  /** Bytes that were sent or received with one packet. */
  packet(direction: "in" | "out", bytes: number): void;
  /** A packet was thrown away, or could not be sent. */
  dropped(reason: string): void;
}

export interface MembershipOptions {
  readonly config: SwimConfig;
  readonly local: LocalMember;
  readonly seal: GossipSeal;
  readonly bind: BindDatagrams;
  readonly sockets: FrameSockets;
  readonly tls: () => TlsMaterial | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: MembershipObserver;
  /** Takes what happens to the membership, in order. */
  readonly event: (event: SwimEvent) => void;
}

/** A wake-up that comes so much too late means that the process stood still. */
const STALL_MS = 500;
/** Above this a late wake-up lets waiting packets in first. */
const LATE_MS = 100;
/** Room for the length of a frame, which the link writes. */
const LENGTH_BYTES = 4;
/** How often the same complaint about packets is logged. */
const WARN_EVERY_MS = 10_000;

/**
 * Joins the membership core to datagrams, streams and the clock: packets are sealed and opened here,
 * the core is woken when it asks to be, and its effects are performed in order.
 */
export class MembershipDriver {
  readonly #options: MembershipOptions;
  readonly #core: Swim;
  /** Boot ids by address, so that packets for an earlier process are known as such. */
  readonly #boots = new Map<string, string>();
  readonly #warnedMs = new Map<string, number>();
  #socket: DatagramSocket | undefined;
  #stopTimer: () => void = () => undefined;
  #wakeMs = Number.POSITIVE_INFINITY;
  #stopped = false;
  #gone: (() => void) | undefined;

  constructor(options: MembershipOptions) {
    const { config, local, random, clock, seal } = options;
    this.#options = options;
    this.#core = new Swim(
      {
        config: { ...config, sealBytes: seal.overheadBytes },
        identity: local,
        random: { below: (bound) => Math.floor(random.unit() * bound) },
      },
      this.#now(clock),
    );
  }

  /** Binds the port for datagrams and begins. Rejects if it cannot be bound. */
  async start(host: string, port: number, seeds: readonly string[]): Promise<void> {
    const { bind, observer, clock } = this.#options;
    this.#socket = await bind({ host, port, lost: (code) => observer.dropped(code) });
    this.#socket.onPacket((packet, fromHost, fromPort) =>
      this.#received(packet, `${fromHost}:${fromPort}`),
    );
    if (seeds.length > 0) this.#core.addSeeds(this.#now(clock), seeds);
    this.#perform();
  }

  get members(): readonly MemberInfo[] {
    return this.#core.members();
  }

  get gauges(): SwimGauges {
    return this.#core.gauges;
  }

  get health(): number {
    return this.#core.health;
  }

  /** Whether another member has answered. */
  get joined(): boolean {
    return this.#core.joined;
  }

  /** Adds addresses at which members may be. */
  addSeeds(addresses: readonly string[]): void {
    this.#core.addSeeds(this.#now(this.#options.clock), addresses);
    this.#perform();
  }

  /** Announces another description of this process. */
  setMeta(meta: Uint8Array): void {
    this.#core.setMeta(this.#now(this.#options.clock), meta);
    this.#perform();
  }

  /** Answers the sealed frame of a stream; `undefined` to close the stream without a word. */
  request(frame: Uint8Array): Uint8Array | undefined {
    if (this.#stopped) return undefined;
    const { seal, config, clock } = this.#options;
    const opened = seal.open(frame, config.frameBytes);
    if (opened.kind === "drop") {
      this.#drop(opened.reason, "a stream");
      return undefined;
    }
    const answer = this.#core.onRequest(this.#now(clock), opened.body);
    this.#perform();
    return answer === undefined ? undefined : framed(seal.seal(answer, opened.senderBoot));
  }

  /** Says farewell; resolves when it has been told. */
  async leave(): Promise<void> {
    if (this.#stopped) return;
    const told = new Promise<void>((resolve) => {
      this.#gone = resolve;
    });
    this.#core.leave(this.#now(this.#options.clock));
    this.#perform();
    await told;
  }

  /** Ends without a word. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
    this.#socket?.close();
  }

  #now(clock: Clock): number {
    return Math.floor(clock.now());
  }

  #received(packet: Uint8Array, from: string): void {
    if (this.#stopped) return;
    const { seal, config, clock, observer } = this.#options;
    observer.packet("in", packet.length);
    const opened = seal.open(packet, config.packetBytes);
    if (opened.kind === "drop") return this.#drop(opened.reason, from);
    const reason = this.#core.onPacket(this.#now(clock), from, opened.body);
    if (reason !== undefined) this.#drop(reason, from);
    this.#perform();
  }

  #drop(reason: string, from: string): void {
    const { observer, log, clock } = this.#options;
    observer.dropped(reason);
    const now = clock.now();
    if (now - (this.#warnedMs.get(reason) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY_MS) return;
    this.#warnedMs.set(reason, now);
    log.warn("swim.dropped", { reason, from });
  }

  #perform(): void {
    for (const effect of this.#core.take()) this.#one(effect);
    this.#schedule();
  }

  #one(effect: SwimEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(effect.to, effect.bytes);
      case "exchange":
        return void this.#exchange(effect.token, effect.to, effect.bytes, effect.timeoutMs);
      case "event":
        return this.#happened(effect.event);
    }
  }

  #send(to: string, bytes: Uint8Array): void {
    const { seal, observer } = this.#options;
    const packet = seal.seal(bytes, this.#boots.get(to));
    const at = to.lastIndexOf(":");
    observer.packet("out", packet.length);
    this.#socket?.send(packet, to.slice(0, at), Number(to.slice(at + 1)));
  }

  #happened(event: SwimEvent): void {
    if (event.kind === "gone") {
      this.stop();
      this.#gone?.();
      return;
    }
    if (event.kind === "join" || event.kind === "update") {
      this.#boots.set(event.member.address, event.member.bootId);
    } else if (event.kind === "dead" || event.kind === "left") {
      this.#boots.delete(event.member.address);
    }
    this.#options.event(event);
  }

  async #exchange(token: number, to: string, bytes: Uint8Array, timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const answer = await this.#ask(to, bytes, timeoutMs).catch(() => undefined);
    if (this.#stopped) return;
    if (answer === undefined) this.#core.onNoAnswer(this.#now(clock), token);
    else this.#core.onAnswer(this.#now(clock), token, answer);
    this.#perform();
  }

  async #ask(to: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    const { sockets, seal, config, tls, clock } = this.#options;
    const at = to.lastIndexOf(":");
    const material = tls();
    const limits: FrameLimits = {
      maxFrameBytes: config.frameBytes,
      highWaterBytes: config.frameBytes,
      connectTimeoutMs: timeoutMs,
    };
    const begun = clock.now();
    const link = await sockets.connect({
      host: to.slice(0, at).replace(/^\[|\]$/g, ""),
      port: Number(to.slice(at + 1)),
      limits,
      ...(material !== undefined && { tls: material }),
    });
    const frame = framed(seal.seal(bytes, this.#boots.get(to)));
    const answer = await answerOf(link, frame, clock, timeoutMs - (clock.now() - begun));
    if (answer === undefined) return undefined;
    const opened = seal.open(answer, config.frameBytes);
    if (opened.kind === "open") return opened.body;
    this.#drop(opened.reason, to);
    return undefined;
  }

  #schedule(): void {
    const dueMs = this.#core.nextDeadline();
    if (this.#stopped || dueMs === this.#wakeMs) return;
    this.#stopTimer();
    this.#wakeMs = dueMs;
    if (!Number.isFinite(dueMs)) return;
    const { clock } = this.#options;
    const delayMs = Math.max(1, dueMs - clock.now());
    this.#stopTimer = clock.setTimer(delayMs, () => this.#woken(dueMs));
  }

  /** Packets that waited while the process stood still come first: they are no silence. */
  #woken(dueMs: number): void {
    const { clock } = this.#options;
    const lagMs = clock.now() - dueMs;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    if (lagMs > STALL_MS) this.#core.onStall(this.#now(clock), Math.floor(lagMs));
    if (lagMs > LATE_MS) clock.defer(() => this.#tick());
    else this.#tick();
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#core.onTick(this.#now(this.#options.clock));
    this.#perform();
  }
}

/** Sends one frame and takes one; `undefined` if the other end closes or is silent for too long. */
function answerOf(
  link: FrameLink,
  frame: Uint8Array,
  clock: Clock,
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const stop = clock.setTimer(Math.max(1, timeoutMs), () => settle(undefined));
    const settle = (answer: Uint8Array | undefined): void => {
      stop();
      resolve(answer);
      link.close();
    };
    link.onClose(() => settle(undefined));
    link.onFrame((answer) => settle(answer.slice()));
    link.send(frame);
  });
}

function framed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}
