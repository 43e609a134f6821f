import type { Roster } from "../../../src/core/swim/roster.ts";
import type { Swim } from "../../../src/core/swim/swim.ts";
import type { SwimConfig } from "../../../src/core/swim/swim-config.ts";
import type { SwimEffect, SwimEvent } from "../../../src/core/swim/effects.ts";
import type { SwimEngine } from "./engine.ts";
import type { EventWheel } from "./event-wheel.ts";
import { seeded } from "./seeded.ts";

/** What a socket's buffer holds while nobody reads it. */
const SOCKET_PACKETS = 128;
/** What a stall must last before the driver tells the core of it. */
const STALL_MS = 500;

/** Where a member's doings go. */
export interface MemberWorld {
  readonly engine: SwimEngine;
  readonly roster: Roster;
  readonly config: SwimConfig;
  readonly wheel: EventWheel;
  readonly seed: number;
  readonly members: number;
  send(from: SimMember, to: string, bytes: Uint8Array): void;
  exchange(from: SimMember, effect: SwimEffect & { kind: "exchange" }): void;
  event(observer: SimMember, event: SwimEvent): void;
}

/** One simulated process after the other under one name: runs, stands still, dies, comes back. */
export class SimMember {
  readonly number: number;
  name: string;
  address: string;
  /** What its next process runs. */
  engine: SwimEngine;
  /** Grows with each process. */
  generation = 0;
  /** What a process announces first. */
  meta = new Uint8Array(0);
  /** Speed of its clock: 1 is right. */
  rate = 1;
  sent = 0;
  sentBytes = 0;
  received = 0;
  #swim: Swim | undefined;
  readonly #world: MemberWorld;
  #stoppedAtMs: number | undefined;
  #isBlocked = false;
  #inbox: (() => void)[] = [];
  #packets = 0;
  #wakeMs = Number.POSITIVE_INFINITY;
  #wakeAgain = false;

  constructor(world: MemberWorld, number: number) {
    this.#world = world;
    this.engine = world.engine;
    this.number = number;
    this.name = `m${number}`;
    this.address = `m${number}:7000`;
  }

  /** The core of the process that runs; `undefined` while none does. */
  get swim(): Swim | undefined {
    return this.#swim;
  }

  /** Runs, reads and sends. */
  get isWell(): boolean {
    return this.#swim !== undefined && this.#stoppedAtMs === undefined && !this.#isBlocked;
  }

  /** Whether a process runs that has not said farewell. */
  get isMember(): boolean {
    return this.#swim !== undefined && this.#swim.member(this.name)?.state !== "left";
  }

  /** The member's own clock, in whole milliseconds. */
  get nowMs(): number {
    return Math.floor(this.#world.wheel.nowMs * this.rate);
  }

  start(): void {
    const { roster, config, seed, members } = this.#world;
    this.generation += 1;
    this.#swim = new this.engine.Swim(
      {
        config,
        roster,
        capacity: members,
        random: seeded(seed, `${this.name} ${this.generation}`),
        identity: {
          name: this.name,
          address: this.address,
          bootId: (this.number * 4_096 + this.generation).toString(16).padStart(16, "0"),
          generation: this.generation,
          meta: this.meta,
        },
      },
      this.nowMs,
    );
    this.#stoppedAtMs = undefined;
    this.#isBlocked = false;
    this.#inbox = [];
    this.#packets = 0;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    this.#settle();
  }

  /** The process is gone at once, with all it held. */
  crash(): void {
    this.#swim = undefined;
  }

  /** The process stands still, timers and all, until `resume`. */
  stop(): void {
    if (this.#swim !== undefined) this.#stoppedAtMs ??= this.#world.wheel.nowMs;
  }

  resume(): void {
    const swim = this.#swim;
    if (swim === undefined || this.#stoppedAtMs === undefined) return;
    const lagMs = this.#world.wheel.nowMs - this.#stoppedAtMs;
    this.#stoppedAtMs = undefined;
    if (lagMs > STALL_MS) swim.onStall(this.nowMs, lagMs);
    this.#drain();
    if (this.#wakeAgain) this.#tick();
    this.#wakeAgain = false;
  }

  /** Nothing goes in or out, while the timers run on. */
  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#drain();
  }

  /** Performs a command on the core, if there is one. */
  tell(command: (swim: Swim, nowMs: number) => void): void {
    if (this.#swim === undefined) return;
    command(this.#swim, this.nowMs);
    this.#settle();
  }

  /** A datagram arrives; it waits in the socket while the process does not read. */
  receive(from: string, bytes: Uint8Array): void {
    if (this.#swim === undefined) return;
    if (this.#isReading) {
      this.received += 1;
      this.#swim.onPacket(this.nowMs, from, bytes);
      this.#settle();
    } else if (this.#packets < SOCKET_PACKETS) {
      this.#packets += 1;
      this.#inbox.push(() => this.receive(from, bytes));
    }
  }

  /** Something of a stream comes in; it waits while the process does not read. */
  readStream(read: (swim: Swim, nowMs: number) => void): void {
    if (this.#swim === undefined) return;
    if (this.#isReading) this.tell(read);
    else this.#inbox.push(() => this.tell(read));
  }

  get #isReading(): boolean {
    return this.#stoppedAtMs === undefined && !this.#isBlocked;
  }

  #drain(): void {
    const waiting = this.#inbox;
    this.#inbox = [];
    this.#packets = 0;
    for (const read of waiting) read();
    this.#settle();
  }

  #tick(): void {
    this.#swim?.onTick(this.nowMs);
    this.#settle();
  }

  /** Performs what the core asks for, and sets the alarm. */
  #settle(): void {
    const swim = this.#swim;
    if (swim === undefined) return;
    for (const effect of swim.take()) this.#perform(effect);
    const dueMs = swim.nextDeadline();
    if (dueMs >= this.#wakeMs) return;
    this.#wakeMs = dueMs;
    this.#world.wheel.at(Math.ceil(dueMs / this.rate), () => this.#wake(swim, dueMs));
  }

  #wake(swim: Swim, dueMs: number): void {
    if (swim !== this.#swim || dueMs !== this.#wakeMs) return;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    if (this.#stoppedAtMs === undefined) this.#tick();
    else this.#wakeAgain = true;
  }

  #perform(effect: SwimEffect): void {
    const world = this.#world;
    if (effect.kind === "event") return world.event(this, effect.event);
    if (this.#isBlocked) {
      this.#inbox.push(() => this.#perform(effect));
    } else if (effect.kind === "send") {
      this.sent += 1;
      this.sentBytes += effect.bytes.length;
      world.send(this, effect.to, effect.bytes);
    } else world.exchange(this, effect);
  }
}
