import { ACTOR_PROFILE, type SwimConfig } from "../../../src/core/swim/swim-config.ts";
import type { SwimEffect, SwimEvent } from "../../../src/core/swim/effects.ts";
import { SWIM_ENGINE, type SwimEngine } from "./engine.ts";
import { EventWheel } from "./event-wheel.ts";
import { type Fault, harms, membersOf } from "./faults.ts";
import { FAIR, Network } from "./network.ts";
import { Observations } from "./observations.ts";
import { ReplayHash, seeded } from "./seeded.ts";
import { type MemberWorld, SimMember } from "./sim-member.ts";
import { agree, checkDigests, checkGauges, checkIssued, IssuedLog } from "./view-checks.ts";
import type { Violation } from "./violation.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly members: number;
  readonly engine?: SwimEngine;
  readonly config?: Partial<SwimConfig>;
  /** Begin as a cluster in which all know all; otherwise no process runs at the start. */
  readonly formed?: boolean;
  readonly faults?: readonly Fault[];
  /** Members that everybody has as seeds from the start. */
  readonly seeds?: readonly number[];
  /** How far clocks may be off, as a share; each is drawn. */
  readonly drift?: number;
  /** Whether views and tables are looked at every simulated second. */
  readonly checks?: boolean;
}

/** A server lets go of a stream that comes while so many are open. */
const MOST_STREAMS = 128;
/** What serving one costs. */
const SERVE_MS = 2;
const CHECK_EVERY_MS = 1_000;

/** A cluster of membership cores in virtual time, on a network that can be made to misbehave. */
export class World implements MemberWorld {
  readonly engine: SwimEngine;
  readonly roster: MemberWorld["roster"];
  readonly config: SwimConfig;
  readonly wheel = new EventWheel();
  readonly seed: number;
  readonly members: number;
  readonly network: Network;
  readonly nodes: readonly SimMember[];
  readonly observations: Observations;
  readonly violations: Violation[] = [];
  readonly harmed = new Set<number>();
  readonly streams = { opened: 0, bytes: 0, shed: 0 };
  readonly #hash = new ReplayHash();
  readonly #byAddress = new Map<string, SimMember>();
  readonly #byName = new Map<string, SimMember>();
  readonly #serving: Uint16Array;
  readonly #issued = new IssuedLog();
  readonly #checks: boolean;
  /** Called with every event of every member. */
  onEvent: (observer: SimMember, event: SwimEvent) => void = () => undefined;

  constructor(options: WorldOptions) {
    const { seed, members, engine = SWIM_ENGINE, formed = true, faults = [] } = options;
    this.engine = engine;
    this.seed = seed;
    this.members = members;
    this.config = { ...ACTOR_PROFILE, ...options.config };
    this.roster = new engine.Roster();
    this.network = new Network(seeded(seed, "network"), members);
    this.observations = new Observations(members, formed, this.harmed);
    this.nodes = Array.from({ length: members }, (_, number) => new SimMember(this, number));
    this.#serving = new Uint16Array(members);
    this.#checks = options.checks ?? true;
    for (const node of this.nodes) {
      this.#byAddress.set(node.address, node);
      this.#byName.set(node.name, node);
    }
    const drift = options.drift ?? 0;
    const clocks = seeded(seed, "clocks");
    for (const node of this.nodes) node.rate = 1 + drift * (2 * clocks.unit() - 1);
    if (formed) this.#form(options.seeds ?? []);
    for (const fault of faults) this.#plan(fault);
    if (this.#checks) this.wheel.at(CHECK_EVERY_MS, () => this.#checkAll());
  }

  get nowMs(): number {
    return this.wheel.nowMs;
  }

  get replayHash(): string {
    return this.#hash.hex;
  }

  /** Datagrams sent so far, and their bytes without those of IP and UDP. */
  get sent(): { readonly packets: number; readonly bytes: number } {
    let [packets, bytes] = [0, 0];
    for (const node of this.nodes) {
      packets += node.sent;
      bytes += node.sentBytes;
    }
    return { packets, bytes };
  }

  run(untilMs: number): void {
    this.wheel.run(untilMs);
  }

  /** Runs until `done` holds, looked at every 100 ms; whether it did by `untilMs`. */
  runUntil(untilMs: number, done: () => boolean): boolean {
    while (this.nowMs < untilMs) {
      if (done()) return true;
      this.run(Math.min(untilMs, this.nowMs + 100));
    }
    return done();
  }

  /** Whether all processes that run hold the same members: themselves. */
  get agrees(): boolean {
    return agree(this.nodes);
  }

  /** What must hold when all faults are over and views had time to settle. */
  checkEnd(): void {
    this.violations.push(...checkDigests(this.nodes));
  }

  allViolations(): readonly Violation[] {
    return [...this.violations, ...this.observations.violations];
  }

  /** Begins a process, in place of one that is leaving; not beside one that is a member. */
  start(number: number, seeds: readonly number[], as?: number): void {
    const node = this.nodes[number];
    const original = as === undefined ? undefined : this.nodes[as];
    if (node === undefined || node.isMember) return;
    if (original !== undefined) {
      node.name = original.name;
      node.generation = original.generation - 1;
    }
    this.observations.forget(number);
    node.start();
    this.#issued.note([node]);
    const addresses = seeds.map((seed) => this.nodes[seed]?.address ?? "");
    node.tell((swim, nowMs) => swim.addSeeds(nowMs, addresses));
  }

  crash(number: number): void {
    const node = this.nodes[number];
    if (node === undefined) return;
    this.#issued.note([node]);
    this.observations.expectDeath(number, this.nowMs);
    node.crash();
  }

  send(from: SimMember, to: string, bytes: Uint8Array): void {
    const target = this.#byAddress.get(to);
    if (bytes.length > this.config.packetBytes - this.config.sealBytes) {
      this.#violate("packet", `${from.name} sends ${bytes.length} bytes`);
    }
    if (target === undefined) return;
    for (const delayMs of this.network.datagram(from.number, target.number)) {
      const { address } = from;
      this.wheel.at(this.nowMs + delayMs, () => {
        this.#hash.word(this.nowMs);
        this.#hash.word(target.number);
        this.#hash.bytes(bytes);
        // Whoever has the address now gets it, whoever it was meant for.
        if (target.address === to) target.receive(address, bytes);
      });
    }
  }

  exchange(from: SimMember, effect: SwimEffect & { kind: "exchange" }): void {
    const { token, to, bytes, timeoutMs } = effect;
    const client = from.swim;
    const target = this.#byAddress.get(to);
    const latency = (): number => this.network.latencyMs();
    this.streams.opened += 1;
    this.streams.bytes += bytes.length;
    const endMs = this.nowMs + timeoutMs;
    let isOver = false;
    const end = (atMs: number, finish: (swim: NonNullable<typeof client>, now: number) => void) =>
      this.wheel.at(atMs, () => {
        if (isOver || client === undefined || client !== from.swim) return;
        isOver = true;
        this.#hash.word(this.nowMs);
        this.#hash.word(token);
        from.readStream(finish);
      });
    end(endMs, (swim, now) => swim.onNoAnswer(now, token));
    if (target === undefined || !this.network.stream(from.number, target.number)) return;
    const arrivesMs = this.nowMs + latency() + latency() + latency();
    this.wheel.at(arrivesMs, () => {
      const busy = (this.#serving[target.number] ?? 0) >= MOST_STREAMS;
      if (target.swim === undefined || target.address !== to || busy) {
        if (busy) this.streams.shed += 1;
        end(this.nowMs + latency(), (swim, now) => swim.onNoAnswer(now, token));
        return;
      }
      this.#serving[target.number] = (this.#serving[target.number] ?? 0) + 1;
      target.readStream((server, now) => {
        const reply = server.onRequest(now, bytes);
        this.streams.bytes += reply?.length ?? 0;
        this.wheel.at(this.nowMs + SERVE_MS, () => {
          this.#serving[target.number] = Math.max(0, (this.#serving[target.number] ?? 0) - 1);
        });
        end(this.nowMs + SERVE_MS + latency(), (swim, at) =>
          reply === undefined ? swim.onNoAnswer(at, token) : swim.onAnswer(at, token, reply),
        );
      });
    });
  }

  event(observer: SimMember, event: SwimEvent): void {
    const subject = "member" in event ? this.#byName.get(event.member.name) : undefined;
    const [a, b] = [observer.number, subject?.number ?? observer.number];
    const connected = this.network.connects(a, b) && this.network.connects(b, a);
    this.#hash.text(event.kind);
    this.#hash.word(a);
    this.#hash.word(b);
    this.observations.note(this.nowMs, observer, subject, event, connected);
    this.onEvent(observer, event);
  }

  #form(seeds: readonly number[]): void {
    for (const node of this.nodes) node.start();
    const cores = this.nodes.flatMap(({ swim }) => (swim === undefined ? [] : [swim]));
    for (const core of cores) core.preload(cores);
    if (seeds.length === 0) return;
    const addresses = seeds.map((one) => this.nodes[one]?.address ?? "");
    for (const node of this.nodes) node.tell((swim, nowMs) => swim.addSeeds(nowMs, addresses));
  }

  #checkAll(): void {
    this.#issued.note(this.nodes);
    this.violations.push(...checkIssued(this.nodes, this.#issued, this.nowMs));
    this.violations.push(...checkGauges(this.nodes, this.members, this.nowMs));
    this.wheel.at(this.nowMs + CHECK_EVERY_MS, () => this.#checkAll());
  }

  #plan(fault: Fault): void {
    this.wheel.at(fault.atMs, () => {
      if (harms(fault)) for (const member of membersOf(fault)) this.harmed.add(member);
      this.#strike(fault);
    });
  }

  #strike(fault: Fault): void {
    const nodes = membersOf(fault).flatMap((member) => this.nodes[member] ?? []);
    const later = (forMs: number, undo: () => void): void =>
      this.wheel.at(this.nowMs + forMs, undo);
    switch (fault.kind) {
      case "crash":
        for (const { number } of nodes) this.crash(number);
        return;
      case "start":
        nodes.forEach((node, i) => {
          const address = fault.addresses?.[i];
          if (address !== undefined && node.swim === undefined) this.#move(node, address);
          this.start(node.number, fault.seeds ?? [], fault.as);
        });
        return;
      case "pause":
        for (const node of nodes) {
          if (fault.of === "process") node.stop();
          else node.block();
          later(fault.forMs, () => (fault.of === "process" ? node.resume() : node.unblock()));
        }
        return;
      case "loss":
        for (const { number } of nodes) {
          this.network.loseOf(number, fault.direction, fault.rate);
          later(fault.forMs, () => this.network.loseOf(number, fault.direction, 0));
        }
        return;
      case "weather":
        this.network.weather = { ...this.network.weather, ...fault.weather };
        later(fault.forMs, () => {
          this.network.weather = FAIR;
        });
        return;
      case "partition":
        this.network.split(fault.groups);
        later(fault.forMs, () => this.network.join());
        return;
      case "cut":
        for (const [from, to] of fault.links) {
          this.network.cut(from, to);
          later(fault.forMs, () => this.network.mend(from, to));
        }
        return;
      case "leave":
        for (const node of nodes) {
          node.tell((swim, nowMs) => swim.leave(nowMs));
          this.observations.expectDeath(node.number, this.nowMs);
        }
        return;
      case "meta": {
        const meta = new TextEncoder().encode(fault.text);
        for (const node of nodes) node.tell((swim, nowMs) => swim.setMeta(nowMs, meta));
      }
    }
  }

  /** The member's next process has another address; its old one may be another's now. */
  #move(node: SimMember, address: string): void {
    if (this.#byAddress.get(node.address) === node) this.#byAddress.delete(node.address);
    node.address = address;
    this.#byAddress.set(address, node);
  }

  #violate(checker: Violation["checker"], message: string): void {
    this.violations.push({ checker, message: `${this.nowMs} ms: ${message}` });
  }
}
