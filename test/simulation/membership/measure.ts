import { ACTOR_PROFILE, type SwimConfig } from "../../../src/core/swim/swim-config.ts";
import { syncScale } from "../../../src/core/swim/timing.ts";
import type { SwimEngine } from "./engine.ts";
import type { Fault } from "./faults.ts";
import { range, some } from "./pick.ts";
import { seeded } from "./seeded.ts";
import { World, type WorldOptions } from "./world.ts";

/** What IP and UDP add to a datagram. */
const UDP_BYTES = 28;

export interface MeasureOptions {
  readonly members: number;
  readonly seed: number;
  readonly engine?: SwimEngine;
  readonly config?: Partial<SwimConfig>;
}

/**
 * What a large simulated cluster needs: bounds lifted, and exchanges of views as rare from the start as
 * they are in a cluster that has grown to its size.
 */
function configFor(members: number, config: Partial<SwimConfig> = {}): Partial<SwimConfig> {
  if (members <= ACTOR_PROFILE.maxMembers) return config;
  const syncIntervalMs = ACTOR_PROFILE.syncIntervalMs * syncScale(members);
  return { ...config, maxMembers: members, frameBytes: 1 << 24, syncIntervalMs };
}

function worldOf(options: MeasureOptions, more: Partial<WorldOptions>): World {
  const { members, seed, engine, config } = options;
  return new World({
    seed,
    members,
    config: configFor(members, config),
    ...(engine === undefined ? {} : { engine }),
    checks: false,
    ...more,
  });
}

export interface Idle {
  readonly packetsPerNodeS: number;
  readonly bytesPerNodeS: number;
  /** What exchanges of views cost, both ways. */
  readonly streamBytesPerNodeS: number;
  /** By the processor time of the whole process: others use the machine too. */
  readonly timesRealTime: number;
  readonly removals: number;
}

/** A cluster in which nothing happens. */
export function idle(options: MeasureOptions, forMs: number): Idle {
  const world = worldOf(options, {});
  const before = process.cpuUsage();
  world.run(forMs);
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  const nodeS = (options.members * forMs) / 1_000;
  const { packets, bytes } = world.sent;
  return {
    packetsPerNodeS: packets / nodeS,
    bytesPerNodeS: (bytes + UDP_BYTES * packets) / nodeS,
    streamBytesPerNodeS: world.streams.bytes / nodeS,
    timesRealTime: forMs / cpuMs,
    removals: world.observations.livingRemovals,
  };
}

export interface DetectionFigures {
  readonly firstSuspectMs: number[];
  readonly firstDeadMs: number[];
  readonly lastDeadMs: number[];
  /** From the first who knew to the last. */
  readonly spreadMs: number[];
  falseRemovals: number;
  undetected: number;
}

export function noFigures(): DetectionFigures {
  return {
    firstSuspectMs: [],
    firstDeadMs: [],
    lastDeadMs: [],
    spreadMs: [],
    falseRemovals: 0,
    undetected: 0,
  };
}

/** `crashed` processes die at once; adds when that was seen to `figures`. */
export function detection(
  options: MeasureOptions,
  crashed: number,
  loss: number,
  figures: DetectionFigures,
): void {
  const { members, seed } = options;
  const gone = some(members, crashed, seeded(seed, "victims"));
  const faults: Fault[] = [{ kind: "crash", atMs: 5_000, members: gone }];
  if (loss > 0) faults.push({ kind: "weather", atMs: 0, forMs: 180_000, weather: { loss } });
  const world = worldOf(options, { faults });
  world.run(5_000);
  const survivors = members - crashed;
  const { detections } = world.observations;
  world.runUntil(125_000, () =>
    [...detections.values()].every(({ observers }) => observers >= survivors),
  );
  for (const one of detections.values()) {
    const { firstSuspectMs, firstDeadMs, lastDeadMs, observers } = one;
    if (observers < survivors) figures.undetected += 1;
    if (firstSuspectMs !== undefined) figures.firstSuspectMs.push(firstSuspectMs);
    if (firstDeadMs === undefined || lastDeadMs === undefined) continue;
    figures.firstDeadMs.push(firstDeadMs);
    figures.lastDeadMs.push(lastDeadMs);
    figures.spreadMs.push(lastDeadMs - firstDeadMs);
  }
  figures.falseRemovals += world.observations.falseRemovals;
}

export interface Removals {
  /** Of members that nothing befell, at anybody. */
  readonly all: number;
  /** Of these, at members that nothing befell. */
  readonly atHealthy: number;
  readonly refutations: number;
  readonly packetsPerNodeS: number;
  readonly bytesPerNodeS: number;
  readonly firstDeadMs: readonly number[];
  readonly streamBytesPerNodeS: number;
}

/** Plays faults for a while; answers who was removed although nothing was wrong with him. */
export function removals(
  options: MeasureOptions,
  faults: readonly Fault[],
  forMs: number,
): Removals {
  const world = worldOf(options, { faults });
  world.run(forMs);
  const { packets, bytes } = world.sent;
  const nodeS = (options.members * forMs) / 1_000;
  const { falseRemovals, falseAtHealthy, refutations, detections } = world.observations;
  return {
    all: falseRemovals,
    atHealthy: falseAtHealthy,
    refutations,
    packetsPerNodeS: packets / nodeS,
    bytesPerNodeS: (bytes + UDP_BYTES * packets) / nodeS,
    streamBytesPerNodeS: world.streams.bytes / nodeS,
    firstDeadMs: [...detections.values()].flatMap(({ firstDeadMs }) => firstDeadMs ?? []),
  };
}

/** All join within a second through one seed: when the p-th of them, and the last, knew everybody. */
export function bootstrap(options: MeasureOptions): {
  readonly completeMs: readonly number[];
  readonly exchanges: number;
  readonly megabytes: number;
} {
  const { members, seed } = options;
  const world = worldOf(options, { formed: false });
  const random = seeded(seed, "starts");
  world.wheel.at(0, () => world.start(0, []));
  for (let member = 1; member < members; member += 1) {
    world.wheel.at(100 + random.below(900), () => world.start(member, [0]));
  }
  const completeMs = new Map<number, number>();
  world.runUntil(120_000, () => {
    for (const { number, swim } of world.nodes) {
      if (completeMs.has(number) || swim?.gauges.live !== members) continue;
      completeMs.set(number, world.nowMs - 100);
    }
    return completeMs.size === members;
  });
  return {
    completeMs: [...completeMs.values()],
    exchanges: world.streams.opened,
    megabytes: world.streams.bytes / 1e6,
  };
}

/** Two halves for a minute; how long after the end all views are one. */
export function heal(options: MeasureOptions): number {
  const { members } = options;
  const half = Math.floor(members / 2);
  const groups = [range(0, half), range(half, members - half)];
  const endMs = 62_000;
  const faults: Fault[] = [{ kind: "partition", atMs: 2_000, forMs: 60_000, groups }];
  const world = worldOf(options, { faults });
  world.run(endMs);
  // One for good: refutations that are still on their way make views differ once more.
  let sinceMs = endMs;
  while (world.nowMs < endMs + 120_000 && world.nowMs < sinceMs + 5_000) {
    world.run(world.nowMs + 100);
    if (!world.agrees) sinceMs = world.nowMs;
  }
  return sinceMs - endMs;
}

/** One member announces anew; when each other one has heard of it. */
export function announce(options: MeasureOptions): readonly number[] {
  const atMs = 3_000 + seeded(options.seed, "when").below(1_000);
  const faults: Fault[] = [{ kind: "meta", atMs, members: [0], text: "new" }];
  const world = worldOf(options, { faults });
  const heard: number[] = [];
  world.onEvent = (_, event) => {
    if (event.kind === "update") heard.push(world.nowMs - atMs);
  };
  world.runUntil(20_000, () => heard.length >= options.members - 1);
  return heard;
}

/** Some can neither send nor receive for 33 s: when the first other believed them dead, and the cost. */
export function threshold(
  options: MeasureOptions,
  victims: readonly number[],
): { readonly firstDeadMs: readonly number[]; readonly packets: number; readonly bytes: number } {
  const forMs = 33_000;
  const atMs = 5_000;
  const world = worldOf(options, {
    faults: [{ kind: "pause", of: "io", atMs, forMs, members: victims }],
  });
  world.run(atMs);
  const { harmed } = world;
  const first = new Map<number, number>();
  world.onEvent = (observer, event) => {
    if (event.kind !== "dead" || harmed.has(observer.number)) return;
    const subject = Number(event.member.name.slice(1));
    if (harmed.has(subject) && !first.has(subject)) first.set(subject, world.nowMs - atMs);
  };
  world.run(60_000);
  return { firstDeadMs: [...first.values()], ...world.sent };
}

/** Some cannot send or receive for `forMs`, and again after `pauseMs`, for as long as it takes. */
export function blocking(
  members: readonly number[],
  forMs: number,
  pauseMs: number,
  untilMs: number,
): readonly Fault[] {
  const rounds = Math.max(1, Math.ceil((untilMs - 5_000) / (forMs + pauseMs)));
  return range(0, rounds).map((round): Fault => {
    return { kind: "pause", of: "io", atMs: 5_000 + round * (forMs + pauseMs), forMs, members };
  });
}

/** One in a hundred hears nothing for 20 s, hears for 20 s, and so on: who is removed, and how often. */
export function flicker(options: MeasureOptions): {
  readonly removedMs: readonly number[];
  readonly returns: number;
  readonly falseRemovals: number;
} {
  const { members, seed } = options;
  const victims = some(members, Math.max(1, Math.round(members / 100)), seeded(seed, "victims"));
  const faults = range(0, 8).map((round): Fault => {
    const atMs = 5_000 + 40_000 * round;
    return { kind: "loss", direction: "in", rate: 1, atMs, forMs: 20_000, members: victims };
  });
  const world = worldOf(options, { faults });
  const removed = new Map<number, number>();
  let returns = 0;
  world.onEvent = (observer, event) => {
    if (!("member" in event) || victims.includes(observer.number)) return;
    const subject = Number(event.member.name.slice(1));
    if (!victims.includes(subject)) return;
    if (event.kind === "dead" && !removed.has(subject)) removed.set(subject, world.nowMs - 5_000);
    // What the first other member sees stands for all.
    if (event.kind === "join" && observer.number === (victims.includes(0) ? 1 : 0)) returns += 1;
  };
  world.run(305_000);
  const { falseAtHealthy } = world.observations;
  return { removedMs: [...removed.values()], returns, falseRemovals: falseAtHealthy };
}
