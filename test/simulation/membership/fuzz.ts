import { ACTOR_PROFILE } from "../../../src/core/swim/swim-config.ts";
import { Swim } from "../../../src/core/swim/swim.ts";
import { seeded } from "./seeded.ts";
import { World } from "./world.ts";

const SAMPLE = 2_000;
const MEMBERS = 12;

/** Datagrams of a cluster in which much happens, as they were sent. */
function sample(seed: number): readonly Uint8Array[] {
  const world = new World({
    seed,
    members: MEMBERS,
    checks: false,
    faults: [
      { kind: "weather", atMs: 0, forMs: 60_000, weather: { loss: 0.2 } },
      { kind: "crash", atMs: 1_000, members: [1, 2] },
      { kind: "leave", atMs: 2_000, members: [3] },
      { kind: "meta", atMs: 3_000, members: [4, 5], text: "x".repeat(300) },
      { kind: "start", atMs: 9_000, members: [1, 3], seeds: [6] },
    ],
  });
  const packets: Uint8Array[] = [];
  const send = world.send.bind(world);
  world.send = (from, to, bytes) => {
    packets.push(bytes);
    send(from, to, bytes);
  };
  world.runUntil(60_000, () => packets.length >= SAMPLE);
  return packets;
}

/** What damaged datagrams without any seal did to a core. */
export interface FuzzReport {
  readonly packets: number;
  readonly taken: number;
  readonly largestMembers: number;
  readonly packetsPerS: number;
}

/** Damages datagrams and feeds them to a core. Nothing may throw; what throws ends the run. */
export function fuzz(seed: number, packets: number): FuzzReport {
  const originals = sample(seed);
  const random = seeded(seed, "fuzz");
  const swim = new Swim(
    {
      config: ACTOR_PROFILE,
      random,
      identity: {
        name: "target",
        address: "target:1",
        bootId: "0".repeat(16),
        generation: 1,
        meta: new Uint8Array(0),
      },
    },
    0,
  );
  const started = performance.now();
  let taken = 0;
  let largestMembers = 0;
  for (let i = 0; i < packets; i += 1) {
    const bytes = damage(random.pick(originals), random.pick(originals), random);
    if (swim.onPacket(i, "m1:7000", bytes) === undefined) taken += 1;
    if (random.below(100) === 0) swim.onRequest(i, frameOf(bytes));
    if (random.below(50) === 0) swim.onTick(i);
    if (i % 1_000 === 0) largestMembers = Math.max(largestMembers, swim.gauges.live);
    swim.take();
  }
  const seconds = (performance.now() - started) / 1_000;
  return { packets, taken, largestMembers, packetsPerS: packets / seconds };
}

function frameOf(packet: Uint8Array): Uint8Array {
  const frame = packet.slice();
  frame[0] = 0xad;
  return frame;
}

function damage(
  packet: Uint8Array,
  other: Uint8Array,
  random: ReturnType<typeof seeded>,
): Uint8Array {
  const how = random.below(6);
  if (how === 0) return packet.slice(0, random.below(packet.length + 1));
  if (how === 1) return Uint8Array.from([...packet, ...other.slice(random.below(other.length))]);
  if (how === 2) return Uint8Array.from({ length: random.below(1_500) }, () => random.below(256));
  const damaged = packet.slice();
  for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
    const at = random.below(damaged.length);
    damaged[at] = how === 3 ? random.below(256) : (damaged[at] ?? 0) ^ (1 << random.below(8));
  }
  return damaged;
}
