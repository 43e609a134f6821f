import type { SwimConfig } from "../../../src/core/swim/swim-config.ts";
import type { Prng } from "../../support/prng.ts";
import type { SwimEngine } from "./engine.ts";
import { endOf, type Fault } from "./faults.ts";
import { seeded } from "./seeded.ts";
import type { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** What goes wrong, and what may come of it. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** How many members it is played with unless told otherwise. */
  readonly members: number;
  readonly formed?: boolean;
  readonly config?: Partial<SwimConfig>;
  readonly seeds?: readonly number[];
  readonly drift?: number;
  readonly plan: (members: number, random: Prng) => readonly Fault[];
  /** How long after the last fault all views may take to be one. */
  readonly settleMs: number;
  /**
   * Removals of members that nothing befell by members that nothing befell, at most: observers times
   * subjects. None by default.
   */
  readonly falseRemovals?: number;
  /** Removals of any members that run and can be reached, at most; as many as there are by default. */
  readonly livingRemovals?: number;
  /** What must have happened, or the run proves nothing: kinds of events. */
  readonly must?: readonly string[];
  readonly mustNot?: readonly string[];
}

export interface ScenarioReport {
  readonly scenario: string;
  readonly seed: number;
  readonly members: number;
  readonly violations: readonly Violation[];
  readonly falseRemovals: number;
  readonly livingRemovals: number;
  readonly refutations: number;
  /** From the last fault until all views were one. */
  readonly settledMs: number;
  readonly packetsPerNodeS: number;
  readonly bytesPerNodeS: number;
  readonly simulatedMs: number;
  readonly happenings: number;
  readonly replayHash: string;
  readonly faults: readonly Fault[];
}

export interface ScenarioOptions {
  readonly seed: number;
  readonly members?: number;
  readonly engine?: SwimEngine;
}

/** What IP and UDP add to a datagram. */
const UDP_BYTES = 28;
/** How long views must stay one. */
const CALM_MS = 3_000;
/** Within which all accusations have run out and all that there was to tell is told. */
const QUIET_MS = 60_000;

/** Plays a scenario: first the faults, then, with all of them over, until all views are one. */
export function play(scenario: Scenario, options: ScenarioOptions): ScenarioReport {
  const { seed, engine } = options;
  const members = options.members ?? scenario.members;
  const faults = scenario.plan(members, seeded(seed, scenario.name));
  const { formed = true, config, seeds, drift } = scenario;
  const world = new World({
    seed,
    members,
    formed,
    faults,
    ...(engine === undefined ? {} : { engine }),
    ...(config === undefined ? {} : { config }),
    ...(seeds === undefined ? {} : { seeds }),
    ...(drift === undefined ? {} : { drift }),
  });
  const endMs = endOf(faults);
  world.run(endMs);
  const settledMs = settle(world, scenario.settleMs) - endMs;
  world.checkEnd();
  // Once all is told, nobody has anything left to say.
  if (!world.runUntil(world.nowMs + QUIET_MS, () => isQuiet(world))) {
    world.violations.push({ checker: "bounds", message: "statements are spread without end" });
  }
  const violations = [...world.allViolations(), ...judge(scenario, world)];
  const { packets, bytes } = world.sent;
  const nodeS = (members * world.nowMs) / 1_000;
  const { falseAtHealthy: falseRemovals, livingRemovals, refutations } = world.observations;
  return {
    scenario: scenario.name,
    seed,
    members,
    violations,
    falseRemovals,
    livingRemovals,
    refutations,
    settledMs,
    packetsPerNodeS: packets / nodeS,
    bytesPerNodeS: (bytes + UDP_BYTES * packets) / nodeS,
    simulatedMs: world.nowMs,
    happenings: world.wheel.done,
    replayHash: world.replayHash,
    faults,
  };
}

function isQuiet(world: World): boolean {
  return world.nodes.every(({ isMember, swim }) => !isMember || swim?.gauges.spreading === 0);
}

/** Runs until views have been one for a while; answers since when, or when time was up. */
function settle(world: World, withinMs: number): number {
  const lastMs = world.nowMs + withinMs;
  let sinceMs = world.nowMs;
  while (sinceMs <= lastMs && world.nowMs < sinceMs + CALM_MS) {
    world.run(world.nowMs + 100);
    if (!world.agrees) sinceMs = world.nowMs;
  }
  return sinceMs;
}

function judge(scenario: Scenario, world: World): readonly Violation[] {
  const { livingRemovals, removedFalsely, counts } = world.observations;
  const { falseAtHealthy: falseRemovals } = world.observations;
  const found: Violation[] = [];
  const most = scenario.falseRemovals ?? 0;
  if (falseRemovals > most) {
    const message = `${falseRemovals} removals of members that were well (${[...removedFalsely].slice(0, 8).join(" ")}), at most ${most}`;
    found.push({ checker: "removal", message });
  }
  const mostLiving = scenario.livingRemovals ?? Number.POSITIVE_INFINITY;
  if (livingRemovals > mostLiving) {
    const message = `${livingRemovals} removals of members that ran, at most ${mostLiving}`;
    found.push({ checker: "removal", message });
  }
  for (const kind of scenario.must ?? []) {
    if (!counts.has(kind)) found.push({ checker: "detection", message: `no ${kind} was told` });
  }
  for (const kind of scenario.mustNot ?? []) {
    if (counts.has(kind)) found.push({ checker: "removal", message: `${kind} was told` });
  }
  return found;
}

/** A failed run as people read it, with what it takes to see it again. */
export function describeFailure(report: ScenarioReport): string {
  const { scenario, seed, members, violations, replayHash, faults } = report;
  const lines = violations.slice(0, 6).map(({ checker, message }) => `  ${checker}: ${message}`);
  const plan = JSON.stringify(faults);
  return [
    `${scenario} with seed ${seed} and ${members} members failed (replay ${replayHash})`,
    ...lines,
    `  faults: ${plan.length > 600 ? `${plan.slice(0, 600)}…` : plan}`,
    `  again: node launcher.mjs bun test/simulation/membership/run.ts --scenario ${scenario} --seed ${seed} --members ${members}`,
  ].join("\n");
}
