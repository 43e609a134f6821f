import { describe, expect, test } from "bun:test";
import type { MemberLoad } from "../../../src/contract/index.ts";
import {
  members,
  placeAll,
  placementSuite,
  placementView,
} from "../../../test/conformance/placement.suite.ts";
import { recordingHost } from "../../../test/conformance/support/recording-host.ts";
import { freeSteps } from "./free-capacity.ts";
import plugin from "./plugin.ts";

const GIB = 1024 ** 3;
const config = {
  preference: 3,
  lagFull: 250,
  memoryFull: 4 * GIB,
  lagPart: 0.5,
  activationsPart: 0.3,
  memoryPart: 0.2,
};
const scale = {
  lagFullMs: 250,
  memoryFullBytes: 4 * GIB,
  lagPart: 0.5,
  activationsPart: 0.3,
  memoryPart: 0.2,
};
const made = (preference = 3) => plugin.create({ ...config, preference }, recordingHost());

placementSuite({ name: plugin.name, create: () => made() });

function load(loopLagMs: number, activations = 0, gib = 0): MemberLoad {
  return { loopLagMs, activations, residentBytes: gib * GIB };
}

function viewOf(loads: Readonly<Record<string, MemberLoad>>, count = 4) {
  return { ...placementView(members(count)), loads: new Map(Object.entries(loads)) };
}

/** The share of each of four members. */
function shares(preference: number, loads: Readonly<Record<string, MemberLoad>>): number[] {
  const placed = placeAll(made(preference), viewOf(loads), 40_000);
  return members(4).map(({ nodeId }) => placed.filter((owner) => owner === nodeId).length / 40_000);
}

describe("what is free", () => {
  test("is counted by lag, activations by the fullest, and memory", () => {
    const view = viewOf({
      "node-0000": load(0),
      "node-0001": load(125),
      "node-0002": load(250, 1_000, 4),
      "node-0003": load(0, 500, 2),
    });
    expect(freeSteps(view, scale)).toEqual([64, 48, 7, 48]);
  });

  test("is the mean of the others for a member that has said nothing", () => {
    const view = viewOf({ "node-0000": load(0), "node-0001": load(125) });
    expect(freeSteps(view, scale)).toEqual([64, 48, 56, 56]);
    expect(freeSteps(viewOf({}), scale)).toEqual([64, 64, 64, 64]);
  });

  test("a heavy member may have more activations before it counts as full", () => {
    const [first, ...rest] = members(2);
    const list = [{ ...(first ?? members(1)[0]), weight: 4 } as (typeof rest)[number], ...rest];
    const loads = new Map([
      ["node-0000", load(0, 4_000)],
      ["node-0001", load(0, 1_000)],
    ]);
    expect(freeSteps({ ...placementView(list), loads }, scale)).toEqual([45, 45]);
  });
});

describe("PH-15: the shares", () => {
  test("follow what is free, if that is preferred once", () => {
    // Free: 64, 48, 32 and 48 steps of 192.
    const [a = 0, b = 0, c = 0, d = 0] = shares(1, {
      "node-0000": load(0),
      "node-0001": load(125),
      "node-0002": load(250),
      "node-0003": load(125),
    });
    expect(Math.abs(a - 64 / 192)).toBeLessThan(0.01);
    expect(Math.abs(b - 48 / 192)).toBeLessThan(0.01);
    expect(Math.abs(c - 32 / 192)).toBeLessThan(0.01);
    expect(Math.abs(d - 48 / 192)).toBeLessThan(0.01);
  });

  test("go to the least loaded for the most part, and not all to it", () => {
    const full = load(250, 10_000, 4);
    const [idle = 0, ...others] = shares(3, {
      "node-0000": load(0),
      "node-0001": full,
      "node-0002": full,
      "node-0003": full,
    });
    expect(idle).toBeGreaterThan(0.98);
    expect(others.every((share) => share > 0)).toBe(true);
  });

  test("are the same at every member that has the same figures", () => {
    const view = viewOf({ "node-0000": load(3, 40), "node-0001": load(90, 7_000, 1) });
    expect(placeAll(made(), view, 500)).toEqual(placeAll(made(), { ...view }, 500));
  });
});

test("a scale on which nothing counts is refused", () => {
  const nothing = { ...config, lagPart: 0, activationsPart: 0, memoryPart: 0 };
  expect(() => plugin.create(nothing, recordingHost())).toThrow(
    "one of the three parts must count",
  );
});
